import ArmModel
import Foundation
import LoopTestSupport
import Safety
import TestSupport
import Testing

@testable import Control

/// Where a black box lies while its run lasts, after a fault, after the end, and after a death.
@Suite struct BlackBoxKeeperTests {
  /// What stands for the file system in memory, and where the log is.
  private let memory: TemporaryFolder
  private let logs: TemporaryFolder
  private var log: String { logs.file("run.mcap") }
  private var place: String { logs.file("run.blackbox") }

  init() throws {
    memory = try TemporaryFolder()
    logs = try TemporaryFolder()
  }

  private func names(_ folder: TemporaryFolder) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.file("")).sorted()
  }

  private func isLink(_ path: String) -> Bool { BlackBoxFile.linkTarget(path) != nil }

  private func keeper(log: String?) throws -> BlackBoxKeeper {
    try BlackBoxKeeper(folder: memory.path, beside: log)
  }

  private func settle() -> [String] { BlackBoxKeeper.settle(folder: memory.path) }

  /// A loop with the keeper's box, some ticks into its run.
  private func rig(_ keeper: BlackBoxKeeper) throws -> LoopRig {
    let rig = try LoopRig(.init(.ramp))
    rig.loop.attach(try keeper.makeBox(period: LoopRig.period, jointNames: ["shoulder", "elbow"]))
    #expect(rig.begin())
    return rig
  }

  @Test func `While the run lasts a link beside the log leads to it; after a fault the file itself is there`() throws {
    let keeper = try keeper(log: log)
    let rig = try rig(keeper)
    rig.arm.readFailures[30] = .disconnected
    rig.tick(20)
    keeper.attend()
    #expect(keeper.saved.isEmpty && keeper.takeNotes().isEmpty)
    #expect(isLink(place))
    #expect(try BlackBoxFile(path: place).records.last?.number == 20)
    rig.tick(30)
    keeper.attend()
    keeper.attend()
    #expect(keeper.saved == [place] && !isLink(place))
    let notes = keeper.takeNotes()
    #expect(notes.count == 1 && notes[0].contains("'sinew log blackbox \(place)'"), "\(notes)")
    #expect(keeper.takeNotes().isEmpty)
    keeper.end()
    let last = try #require(try BlackBoxFile(path: place).records.last)
    #expect(last.latched.conditions == [.armFailed] && last.number == 31)
    #expect(try names(memory).isEmpty && names(logs) == ["run.blackbox"])
  }

  @Test func `A run that goes on after a reset has its next fault in another file`() throws {
    let keeper = try keeper(log: log)
    let rig = try rig(keeper)
    rig.arm.readFailures[10] = .disconnected
    rig.tick(20)
    keeper.attend()
    rig.loop.request(.reset)
    rig.tick(3)
    keeper.attend()
    #expect(isLink(logs.file("run.2.blackbox")))
    rig.arm.readFailures[30] = .disconnected
    rig.tick(10)
    keeper.end()
    #expect(keeper.saved == [place, logs.file("run.2.blackbox")])
    for (path, tick) in [(place, Int64(11)), (logs.file("run.2.blackbox"), 31)] {
      let last = try #require(try BlackBoxFile(path: path).records.last)
      #expect(last.now == tick * LoopRig.period && last.latched.conditions == [.armFailed])
    }
    #expect(try names(memory).isEmpty && names(logs) == ["run.2.blackbox", "run.blackbox"])
  }

  @Test func `A run without a fault leaves nothing, also one that was never begun`() throws {
    do {
      let keeper = try keeper(log: log)
      let rig = try rig(keeper)
      rig.tick(20)
      keeper.end()
      #expect(try names(memory).isEmpty && names(logs).isEmpty)
    }
    do {
      let keeper = try keeper(log: log)
      _ = try keeper.makeBox(period: 5_000_000, jointNames: ["shoulder"])
      #expect(isLink(place))
    }
    #expect(try names(memory).isEmpty && names(logs).isEmpty)
  }

  @Test func `What is beside the log already stays; a link that leads nowhere any more does not`() throws {
    try Data("mine".utf8).write(to: URL(fileURLWithPath: place))
    #expect(symlink(memory.file("sinew-\(geteuid())-1-0.blackbox"), logs.file("run.2.blackbox")) == 0)
    let keeper = try keeper(log: log)
    let rig = try rig(keeper)
    rig.arm.readFailures[10] = .disconnected
    rig.tick(20)
    keeper.end()
    #expect(keeper.saved == [logs.file("run.2.blackbox")])
    #expect(try String(contentsOfFile: place, encoding: .utf8) == "mine")
  }

  /// Runs some ticks in a process that kills itself.
  private func die(memory: String, log: String?, latching: Bool = false) async {
    let place: String = log ?? ""
    let folder: String = memory
    await #expect(processExitsWith: .signal(SIGKILL)) {
      [place = place as String, folder = folder as String, latching = latching as Bool] in
      let keeper = try BlackBoxKeeper(folder: folder, beside: place.isEmpty ? nil : place)
      var box = try keeper.makeBox(seconds: 0.1, period: 5_000_000, jointNames: ["shoulder", "elbow"])
      var core = SafetyCore(
        SafetyConfiguration(
          limits: JointLimits(unlimited: 2), mode: .position, period: 5_000_000, proposalPeriod: 20_000_000,
          armingTicks: 0, judgesTiming: false))
      var inputs = SafetyInputs(count: 2, mode: .position)
      inputs.readSucceeded = true
      for tick in 1...30 {
        inputs.lateness = Int64(tick)
        inputs.armFailed = latching && tick == 30
        let decision = core.step(inputs, now: Int64(tick) * 5_000_000)
        box.note(inputs, decision, now: Int64(tick) * 5_000_000)
      }
      if latching { keeper.attend() }
      kill(getpid(), SIGKILL)
    }
  }

  @Test func `After a death the link shows the last ticks, and the next run puts the file in its place`() async throws {
    await die(memory: memory.path, log: log)
    #expect(isLink(place))
    #expect(try BlackBoxFile(path: place).records.map(\.lateness) == Array(11...30))
    let notes = settle()
    #expect(notes.count == 1 && notes[0].contains("left its black box in \(place)"), "\(notes)")
    #expect(!isLink(place))
    #expect(try BlackBoxFile(path: place).records.map(\.lateness) == Array(11...30))
    #expect(try names(memory).isEmpty && names(logs) == ["run.blackbox"])
    #expect(settle().isEmpty)
  }

  @Test func `A fault that was brought beside its log is not brought there again after a death`() async throws {
    await die(memory: memory.path, log: log, latching: true)
    #expect(!isLink(place))
    #expect(settle().isEmpty)
    #expect(try names(memory).isEmpty && names(logs) == ["run.blackbox"])
  }

  @Test func `A living run's box is left alone`() throws {
    let keeper = try keeper(log: log)
    let rig = try rig(keeper)
    rig.tick(20)
    #expect(settle().isEmpty && isLink(place))
    rig.tick(20)
    #expect(try BlackBoxFile(path: place).records.last?.number == 40)
  }

  @Test func `Where the place beside the log is gone the box stays in memory until there is one`() async throws {
    let folder = logs.file("today")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    await die(memory: memory.path, log: folder + "/run.mcap")
    try FileManager.default.removeItem(atPath: folder)
    let notes = settle()
    #expect(notes.count == 1 && notes[0].contains("cannot be written"), "\(notes)")
    // Said once.
    #expect(try settle().isEmpty && names(memory).count == 1)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    #expect(settle().count == 1)
    #expect(try BlackBoxFile(path: folder + "/run.blackbox").records.count == 20)
    #expect(try names(memory).isEmpty)
  }

  @Test func `A fault for which there is no room beside the log stays in memory, and its run says so`() throws {
    let folder = logs.file("today")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    let keeper = try keeper(log: folder + "/run.mcap")
    let rig = try rig(keeper)
    rig.arm.readFailures[10] = .disconnected
    try FileManager.default.removeItem(atPath: folder)
    rig.tick(20)
    keeper.end()
    let notes = keeper.takeNotes()
    #expect(notes.contains { $0.contains("cannot be written") && $0.contains("stays in memory") }, "\(notes)")
    #expect(keeper.saved == [keeper.path])
    #expect(try BlackBoxFile(path: keeper.path).records.last?.latched.conditions == [.armFailed])
  }

  @Test func `Without a log faults and deaths stay in memory, the newest of them, and are told once`() async throws {
    let keeper = try keeper(log: nil)
    let rig = try rig(keeper)
    rig.arm.readFailures[10] = .disconnected
    rig.tick(20)
    keeper.end()
    #expect(keeper.takeNotes().contains { $0.contains("no log") })
    #expect(keeper.saved.count == 1)
    #expect(try BlackBoxFile(path: keeper.saved[0]).records.last?.latched.conditions == [.armFailed])
    #expect(try settle().isEmpty && names(memory).count == 1)
    await die(memory: memory.path, log: nil)
    #expect(settle().count == 1)
    #expect(try settle().isEmpty && names(memory).count == 2)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: keeper.saved[0]))
    for number in 0..<30 {
      let path = memory.file("sinew-\(geteuid())-1-\(number).blackbox")
      #expect(FileManager.default.createFile(atPath: path, contents: bytes, attributes: [.posixPermissions: 0o600]))
    }
    #expect(try settle().isEmpty && names(memory).count == BlackBoxKeeper.mostWithoutLog)
  }

  @Test func `Files of others, and what is no black box, are not touched`() throws {
    let name = "sinew-\(geteuid())-1-0.blackbox"
    for (path, rights) in [(memory.file(name), 0o600), (memory.file("sinew-\(geteuid())-2-0.blackbox"), 0o622)] {
      #expect(
        FileManager.default.createFile(
          atPath: path, contents: Data("something".utf8), attributes: [.posixPermissions: rights]))
    }
    #expect(symlink("/etc/passwd", memory.file("sinew-\(geteuid())-3-0.blackbox")) == 0)
    #expect(settle().isEmpty)
    #expect(try names(memory).count == 3)
  }

  @Test func `No room for it is an error, and leaves nothing`() throws {
    #expect(throws: BlackBoxError.self) {
      _ = try BlackBoxKeeper(folder: "/nowhere/at/all", beside: log)
    }
    // More than any memory has.
    let error = #expect(throws: BlackBoxError.self) {
      let keeper = try BlackBoxKeeper(beside: log)
      _ = try keeper.makeBox(seconds: 2e7, period: 5_000_000, jointNames: ["shoulder"])
    }
    #expect(error?.description.contains("cannot be had") == true, "\(String(describing: error))")
    #expect(try names(logs).isEmpty)
  }

  @Test func `A link to what was lost with the memory is explained`() throws {
    #expect(symlink("/dev/shm/sinew-0-1-0.blackbox.gone", place) == 0)
    let error = #expect(throws: BlackBoxError.self) { try BlackBoxFile(path: place) }
    #expect(error?.description.contains("switched off") == true)
  }
}
