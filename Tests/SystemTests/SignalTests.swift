import CSystem
import Glibc
import Testing

/// A control thread may ask; the annotation is checked when this file is compiled.
@_noLocks
private func requestsAsTheTickReadsThem() -> Int32 { sinew_stop_requests() }

/// Sends a signal to the whole process (the threads of tests may block it themselves) and waits until it has arrived.
private func send(_ signal: Int32, expectedCount: Int32) {
  kill(getpid(), signal)
  let deadline = sinew_now_ns() + 5_000_000_000
  while sinew_stop_requests() < expectedCount, sinew_now_ns() < deadline { usleep(1000) }
}

@Suite struct SignalTests {
  @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGUSR1, SIGALRM])
  func `A stop signal asks for a stop and does nothing else`(signal: Int32) async {
    await #expect(processExitsWith: .success) { [signal] in
      #expect(sinew_install_stop_signals() == 0)
      #expect(requestsAsTheTickReadsThem() == 0)
      #expect(sinew_last_stop_signal() == 0)
      send(signal, expectedCount: 1)
      #expect(requestsAsTheTickReadsThem() == 1)
      #expect(sinew_stop_was_pressed() == (signal == SIGINT || signal == SIGTSTP))
      #expect(sinew_last_stop_signal() == signal)
      sinew_clear_stop_requests()
      #expect(requestsAsTheTickReadsThem() == 0)
      #expect(!sinew_stop_was_pressed())
      send(signal, expectedCount: 1)
      #expect(requestsAsTheTickReadsThem() == 1)
    }
  }

  @Test(arguments: [SIGINT, SIGTSTP]) func `A key that is pressed again asks again`(signal: Int32) async {
    await #expect(processExitsWith: .success) { [signal] in
      _ = sinew_install_stop_signals()
      send(signal, expectedCount: 1)
      send(signal, expectedCount: 2)
      #expect(sinew_stop_requests() == 2)
    }
  }

  @Test(arguments: [SIGHUP, SIGUSR1, SIGALRM])
  func `What nobody presses asks once, however often it comes, and never ends the program`(signal: Int32) async {
    await #expect(processExitsWith: .success) { [signal] in
      _ = sinew_install_stop_signals()
      sinew_stop_signals_exit_at(3)
      send(signal, expectedCount: 1)
      for _ in 0..<30 {
        usleep(50_000)
        kill(getpid(), signal)
      }
      usleep(50_000)
      #expect(sinew_stop_requests() == 1)
      // Whoever is still there is heard.
      send(SIGINT, expectedCount: 2)
      #expect(sinew_stop_requests() == 2)
    }
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func `A terminal that closes after a stop was asked for does not ask again`(signal: Int32) async {
    await #expect(processExitsWith: .success) { [signal] in
      _ = sinew_install_stop_signals()
      send(signal, expectedCount: 1)
      for _ in 0..<5 {
        kill(getpid(), SIGHUP)
        usleep(10_000)
      }
      #expect(sinew_stop_requests() == 1)
      #expect(sinew_last_stop_signal() == SIGHUP)
    }
  }

  @Test func `Termination that is sent twice at once is meant once, and counts again a second later`() async {
    await #expect(processExitsWith: .success) {
      _ = sinew_install_stop_signals()
      send(SIGTERM, expectedCount: 1)
      for _ in 0..<5 {
        kill(getpid(), SIGTERM)
        usleep(10_000)
      }
      #expect(sinew_stop_requests() == 1)
      usleep(1_200_000)
      send(SIGTERM, expectedCount: 2)
      #expect(sinew_stop_requests() == 2)
    }
  }

  @Test
  func `A program started with nohup stays deaf to the hang-up, and one started in the background hears the stop`()
    async
  {
    await #expect(processExitsWith: .success) {
      signal(SIGHUP, SIG_IGN)
      signal(SIGINT, SIG_IGN)
      #expect(sinew_install_stop_signals() == 0)
      kill(getpid(), SIGHUP)
      send(SIGINT, expectedCount: 1)
      #expect(sinew_stop_requests() == 1)
      #expect(sinew_last_stop_signal() == SIGINT)
    }
  }

  @Test func `Quit asks for a stop first, and ends the program when it was asked before`() async {
    await #expect(processExitsWith: .exitCode(128 + SIGQUIT)) {
      _ = sinew_install_stop_signals()
      send(SIGQUIT, expectedCount: 1)
      guard sinew_stop_requests() == 1 else { return }
      kill(getpid(), SIGQUIT)
      sleep(5)
    }
  }

  @Test func `A terminal that may not be used just now does not make the program stand still`() async {
    await #expect(processExitsWith: .success) {
      #expect(sinew_install_stop_signals() == 0)
      kill(getpid(), SIGTTIN)
      kill(getpid(), SIGTTOU)
      #expect(sinew_stop_requests() == 0)
    }
  }
}
