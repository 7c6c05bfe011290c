import Foundation
import Glibc
import Testing

/// `sinew log blackbox` and what runs leave for it.
@Suite struct BlackBoxTests {
  private func isLink(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  /// Ticks and how long before the end, ms, as the command prints them.
  private func times(_ output: String) -> [Double] {
    output.split(separator: "\n").dropFirst(2).compactMap { line in
      line.split(separator: "|").first.flatMap { Double($0.trimmingCharacters(in: .whitespaces)) }
    }
  }

  @Test(
    "A run that is killed leaves its last two seconds beside its log", arguments: [SIGKILL, SIGABRT, SIGSEGV, SIGILL])
  func killed(signal: Int32) throws {
    let folder = try ScratchFolder()
    let command = try Command(
      EndToEndTests.run + ["--log", "run.mcap", "--duration", "100", "--priority", "0", "--allow-non-realtime"],
      in: folder.root, environment: ["SWIFT_BACKTRACE": "enable=no"])
    let end = Date(timeIntervalSinceNow: 30)
    var ticks = 0
    // While it runs its last ticks can be looked at, too.
    while ticks < 40, Date() < end {
      usleep(100_000)
      guard isLink(folder.path("run.blackbox")) else { continue }
      ticks = times(try Command.run(["log", "blackbox", "run.blackbox"], in: folder).output).count
    }
    #expect(ticks == 40, "\(command.errors)")
    command.send(signal)
    let outcome = try command.finish()
    #expect(outcome.code == nil)
    let printed = try Command.run(["log", "blackbox", "run.blackbox", "--last", "1000"], in: folder)
    #expect(printed.code == 0, "\(printed.errors)")
    let seen = times(printed.output)
    #expect(seen.count >= 40 && seen.last == 0, "\(printed.output.suffix(400))")
    #expect(zip(seen, seen.dropFirst()).allSatisfy { $0 < $1 })
    // The file itself, not in memory any more: the command has seen to it, or another run that began meanwhile.
    #expect(!isLink(folder.path("run.blackbox")))
    #expect(try folder.bytes("run.blackbox").count > 4096)
  }

  @Test("A run that ends well leaves no black box, also when Ctrl-C ends it")
  func ended() throws {
    let folder = try ScratchFolder()
    let command = try Command(
      EndToEndTests.run + ["--log", "run.mcap", "--priority", "0", "--allow-non-realtime"], in: folder.root)
    let end = Date(timeIntervalSinceNow: 30)
    while !isLink(folder.path("run.blackbox")), Date() < end { usleep(10_000) }
    usleep(300_000)
    command.send(SIGINT)
    #expect(try command.finish().code == 0)
    #expect(try folder.snapshot().filter { $0.contains("blackbox") }.isEmpty)
  }

  @Test("What is no black box, or a damaged one, is refused with 2 and one line")
  func refused() throws {
    let folder = try ScratchFolder()
    try folder.write("nothing of the kind", to: "text.blackbox")
    try folder.write(Data("SINEWBB2".utf8) + Data(count: 9000), to: "damaged.blackbox")
    try folder.makeLink("lost.blackbox", to: "/dev/shm/sinew-0-1-0.gone")
    for (name, word) in [
      ("text.blackbox", "no black box"), ("damaged.blackbox", "no black box"), ("lost.blackbox", "switched off"),
      ("none.blackbox", "cannot be read"),
    ] {
      let outcome = try Command.run(["log", "blackbox", name], in: folder)
      #expect(outcome.code == 2)
      let lines = outcome.errorLines.filter { !$0.hasPrefix("note:") }
      #expect(lines.count == 1 && lines[0].contains(word) && lines[0].contains(name), "\(lines)")
    }
  }
}
