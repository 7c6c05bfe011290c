import Foundation

extension WrongInput {
  private static func log(
    _ name: String, _ path: String, mentions: [String] = [], code: Int32 = 2,
    prepare: @escaping @Sendable (ScratchFolder) throws -> Void = { _ in }
  ) -> WrongInput {
    WrongInput("log: \(name)", evaluate("--log", path), mentions: [path] + mentions, code: code, prepare: prepare)
  }

  /// Places where no log can be made.
  static let logs: [WrongInput] = [
    log("an existing file", "x.mcap", mentions: ["exists"]) { try $0.write("precious", to: "x.mcap") },
    log("a folder", "x.mcap") { try $0.makeFolder("x.mcap") },
    log("folders that are missing", "a/b/c.mcap", mentions: ["a/b", "mkdir -p"]),
    log("below a file", "file/x.mcap") { try $0.write("", to: "file") },
    log("a place where nobody writes", "/proc/sinew/x.mcap"),
    log("a pipe that nobody reads", "pipe") { try $0.makePipe("pipe") },
    log("a link to itself", "x.mcap") { try $0.makeLink("x.mcap", to: "x.mcap") },
    WrongInput("log: no name", evaluate("--log", ""), mentions: ["--log"]),
    WrongInput(
      "log: of a policy that does not fit", evaluate(task: "reach", "--log", "logs/x.mcap"),
      mentions: ["10 observations"]),
    WrongInput(
      "log: of a run that cannot start", evaluate("--log", "logs/x.mcap", "--servo", "sts3215-7v4"),
      mentions: ["efforts"]),
    WrongInput(
      "log: of a task that does not fit the model", evaluate(task: "t.yaml", "--log", "x.mcap"), mentions: ["thumb"],
      prepare: { try $0.write(Shipped.task, changing: "{body: fingertip}", to: "{body: thumb}", as: "t.yaml") }),
  ]

  private static let tools = [
    ["log", "info"], ["log", "doctor"], ["log", "cat"], ["log", "recover", "-o", "out.mcap"],
  ]

  private static func unreadable(
    _ name: String, _ path: String, prepare: @escaping @Sendable (ScratchFolder) throws -> Void = { _ in }
  ) -> [WrongInput] {
    tools.map {
      WrongInput("\($0[1]): \(name)", $0 + [path], mentions: [path], prepare: prepare)
    }
  }

  private static func notLogs(_ tool: [String], code: Int32) -> [WrongInput] {
    func wrong(_ name: String, prepare: @escaping @Sendable (ScratchFolder) throws -> Void) -> WrongInput {
      WrongInput("\(tool[1]): \(name)", tool + ["x.mcap"], mentions: ["x.mcap"], code: code, prepare: prepare)
    }
    return [
      wrong("empty") { try $0.write("", to: "x.mcap") },
      wrong("junk") { try $0.writeJunk("x.mcap") },
      wrong("a network") { try $0.writeNetwork("x.mcap") },
      wrong("a hole") { try $0.writeHole(5 << 30, to: "x.mcap") },
    ]
  }

  /// Files that are no logs.
  static let logFiles: [WrongInput] =
    unreadable("missing", "gone.mcap")
    + unreadable("a folder", "folder", prepare: { try $0.makeFolder("folder") })
    + unreadable("a pipe without a writer", "pipe", prepare: { try $0.makePipe("pipe") })
    + unreadable("a link to itself", "loop", prepare: { try $0.makeLink("loop", to: "loop") })
    + unreadable("/dev/null", "/dev/null")
    + notLogs(["log", "info"], code: 2) + notLogs(["log", "cat"], code: 2)
    // Nothing to recover is a failure of the recovery, not of the request.
    + notLogs(["log", "recover", "-o", "out.mcap"], code: 1)
    + [
      WrongInput(
        "recover: into itself", ["log", "recover", "x.mcap", "-o", "./x.mcap"], mentions: ["x.mcap", "input"],
        prepare: { try $0.writeJunk("x.mcap") }),
      WrongInput(
        "recover: into an existing file", ["log", "recover", "x.mcap", "-o", "y.mcap"], mentions: ["y.mcap", "exists"],
        prepare: {
          try $0.writeJunk("x.mcap")
          try $0.write("precious", to: "y.mcap")
        }),
      WrongInput(
        "recover: into a missing folder", ["log", "recover", "x.mcap", "-o", "no/y.mcap"], mentions: ["no/y.mcap"],
        prepare: { try $0.writeJunk("x.mcap") }),
      WrongInput(
        "recover: no output name", ["log", "recover", "x.mcap", "-o", ""], mentions: ["--output"],
        prepare: { try $0.writeJunk("x.mcap") }),
    ]
}
