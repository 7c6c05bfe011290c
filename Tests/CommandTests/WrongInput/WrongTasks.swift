import Foundation

extension WrongInput {
  private static func task(
    _ name: String, mentions: [String], prepare: @escaping @Sendable (ScratchFolder) throws -> Void
  ) -> WrongInput {
    WrongInput("task: \(name)", evaluate(task: "t.yaml"), mentions: ["t.yaml"] + mentions, prepare: prepare)
  }

  private static func changed(_ name: String, _ old: String, _ new: String, mentions: [String]) -> WrongInput {
    task(name, mentions: mentions) { try $0.write(Shipped.task, changing: old, to: new, as: "t.yaml") }
  }

  /// Wrong tasks.
  static let tasks: [WrongInput] = [
    WrongInput(
      "task: unknown name", evaluate(task: "reacher-v6"), mentions: ["reacher-v6", "did you mean 'reacher-v5'"]),
    WrongInput("task: no name", evaluate(task: ""), mentions: ["--task"]),
    WrongInput("task: /dev/null", evaluate(task: "/dev/null"), mentions: ["/dev/null"]),
    WrongInput("task: /dev/zero", evaluate(task: "/dev/zero"), mentions: ["/dev/zero"]),
    WrongInput("task: not readable", evaluate(task: "/proc/self/mem"), mentions: ["/proc/self/mem"]),
    WrongInput(
      "task: a name too long", evaluate(task: String(repeating: "x", count: 5000) + ".yaml"), mentions: ["xxx"]),
    task("missing", mentions: []) { _ in },
    task("empty", mentions: []) { try $0.write("", to: "t.yaml") },
    task("junk", mentions: ["UTF-8"]) { try $0.writeJunk("t.yaml") },
    task("a folder", mentions: ["folder"]) { try $0.makeFolder("t.yaml") },
    task("a pipe without a writer", mentions: []) { try $0.makePipe("t.yaml") },
    task("a link to itself", mentions: []) { try $0.makeLink("t.yaml", to: "t.yaml") },
    task("a link to nothing", mentions: []) { try $0.makeLink("t.yaml", to: "gone.yaml") },
    task("huge", mentions: ["4 MiB"]) { try $0.writeHole(5 << 30, to: "t.yaml") },
    task("truncated", mentions: []) {
      try $0.write(try Data(contentsOf: Shipped.task).prefix(700), to: "t.yaml")
    },
    task("an alias bomb", mentions: []) { folder in
      let lines = (1...20).map {
        "a\($0): &a\($0) [\(Array(repeating: "*a\($0 - 1)", count: 9).joined(separator: ", "))]"
      }
      try folder.write((["a0: &a0 x"] + lines).joined(separator: "\n"), to: "t.yaml")
    },
    task("too deep", mentions: []) {
      try $0.write("name: " + String(repeating: "[", count: 100_000), to: "t.yaml")
    },
    changed("unknown key", "time_limit: 50", "time_limits: 50", mentions: ["time_limits", "time_limit"]),
    changed("wrong type", "step_duration: 0.02", "step_duration: fast", mentions: ["step_duration", "fast"]),
    changed("nan", "step_duration: 0.02", "step_duration: .nan", mentions: ["step_duration"]),
    changed("negative duration", "step_duration: 0.02", "step_duration: -0.02", mentions: ["step_duration", "-0.02"]),
    changed("duplicate key", "model: reacher", "model: reacher\nmodel: so101", mentions: ["model"]),
    changed("unknown term", "joint_position_cos", "joint_position_cosine", mentions: ["joint_position_cosine"]),
    changed("unknown point", "to: target, weight", "to: goal, weight", mentions: ["goal"]),
    changed("a joint twice", "[joint1, joint2]", "[joint1, joint1]", mentions: ["joint1"]),
    changed("wrong joints", "[joint1, joint2]", "[elbow, wrist]", mentions: []).naming(["elbow"]),
    changed("wrong model", "model: reacher", "model: reachr", mentions: []).naming(["t.yaml", "reachr", "reacher"]),
    changed("a wrong body", "{body: fingertip}", "{body: thumb}", mentions: []).naming(["t.yaml", "thumb"]),
    changed("wrong bound joints", "[target_x, target_y]", "[target_a, target_b]", mentions: []).naming([
      "t.yaml", "target_a",
    ]),
    changed(
      "wrong dimension", "  - {term: joint_velocity}\n", "", mentions: []
    ).naming(["10 observations", "gives 8"]),
  ]

  /// The same case where the file is not what is wrong, but what it says.
  private func naming(_ mentions: [String]) -> WrongInput {
    WrongInput(name, arguments, mentions: mentions, code: code, prepare: prepare)
  }
}
