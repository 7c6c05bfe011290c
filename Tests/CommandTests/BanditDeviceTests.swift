import Foundation
import TestSupport
import Testing

/// `sinew demo bandit` in a terminal of its own.
@Suite(
  "Bandit in a terminal",
  .enabled(
    if: PseudoTerminals.areAvailable && access("/usr/bin/setsid", X_OK) == 0, "needs pseudo-terminals and setsid"))
struct BanditDeviceTests {
  @Test("keys come one by one while it runs, q leaves, and the terminal is as it was", arguments: [["--step"], []])
  func leaves(_ arguments: [String]) throws {
    let terminal = try OperatorTerminal()
    let folder = try ScratchFolder()
    let command = try Command(
      [
        "-c", "exec setsid -w -c \"$0\" \"$@\" <\(terminal.path) >\(terminal.path) 2>&1", Command.executable, "demo",
        "bandit",
      ]
        + arguments, in: folder.root, environment: ["TERM": "xterm"], executable: "/bin/sh")
    let deadline = Date(timeIntervalSinceNow: 20)
    while terminal.echoes && Date() < deadline && !command.hasExited { usleep(2000) }
    #expect(!terminal.echoes, "it reads keys")
    terminal.press("q")
    #expect(try command.finish().code == 0)
    #expect(terminal.echoes)
  }
}
