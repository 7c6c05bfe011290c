import ArmModel
import ArmProfiles
import Foundation
import Testing

extension WrongInput {
  private static func model(
    _ name: String, mentions: [String] = [], prepare: @escaping @Sendable (ScratchFolder) throws -> Void
  ) -> WrongInput {
    WrongInput("model: \(name)", evaluate(model: "m.xml"), mentions: ["m.xml"] + mentions, prepare: prepare)
  }

  private static func changed(_ name: String, _ old: String, _ new: String, mentions: [String] = []) -> WrongInput {
    model(name, mentions: mentions) { try $0.write(Shipped.model, changing: old, to: new, as: "m.xml") }
  }

  /// Wrong models.
  static let models: [WrongInput] = [
    WrongInput("model: unknown name", evaluate(model: "reachr"), mentions: ["reachr", "reacher"]),
    WrongInput("model: /dev/null", evaluate(model: "/dev/null"), mentions: ["/dev/null"]),
    WrongInput("model: /dev/zero", evaluate(model: "/dev/zero"), mentions: ["/dev/zero"]),
    WrongInput("model: not readable", evaluate(model: "/proc/self/mem"), mentions: ["/proc/self/mem"]),
    WrongInput("model: of another task", evaluate(model: "so101"), mentions: ["joint1"]),
    model("missing") { _ in },
    model("empty") { try $0.write("", to: "m.xml") },
    model("junk") { try $0.writeJunk("m.xml") },
    model("a folder", mentions: ["folder"]) { try $0.makeFolder("m.xml") },
    model("a pipe without a writer") { try $0.makePipe("m.xml") },
    model("a link to itself") { try $0.makeLink("m.xml", to: "m.xml") },
    model("huge", mentions: ["MiB"]) { try $0.writeHole(5 << 30, to: "m.xml") },
    model("truncated") { try $0.write(try Data(contentsOf: Shipped.model).prefix(1200), to: "m.xml") },
    model("another XML", mentions: ["<svg>"]) { try $0.write("<svg></svg>", to: "m.xml") },
    changed("an unknown element", "<body name=\"link2\"", "<bone/><body name=\"link2\"", mentions: ["bone"]),
    changed("nan", "pos=\"0.1 0 0\"", "pos=\"nan 0 0\""),
    changed("a negative step", "timestep=\"0.01\"", "timestep=\"-0.01\"", mentions: ["time step"]),
    changed("a missing mesh", "<default>", "<asset><mesh file=\"gone.stl\"/></asset><default>", mentions: ["gone.stl"]),
    changed("a name twice", "<body name=\"link2\"", "<body name=\"link1\"", mentions: ["link1"]),
    WrongInput("model: no motors", evaluate(model: "m.xml"), mentions: ["joint1"]) { folder in
      let text = try String(contentsOf: Shipped.model, encoding: .utf8)
      let start = try #require(text.range(of: "<actuator>"))
      let end = try #require(text.range(of: "</actuator>"))
      try folder.write(text.replacingCharacters(in: start.lowerBound..<end.upperBound, with: ""), to: "m.xml")
    },
  ]

  private static func configuration(_ name: String, _ text: String, mentions: [String]) -> WrongInput {
    WrongInput(
      "configuration: \(name)", ["run", "--virtual", "--duration", "0.1", "--config", "robot.yaml"],
      mentions: ["robot.yaml"] + mentions
    ) { try $0.write(text, to: "robot.yaml") }
  }

  /// Wrong configurations.
  static let configurations: [WrongInput] = [
    WrongInput("configuration: missing", ["run", "--config", "no.yaml"], mentions: ["no.yaml"]),
    WrongInput(
      "configuration: a pipe without a writer", ["run", "--config", "pipe"], mentions: ["pipe"],
      prepare: { try $0.makePipe("pipe") }),
    WrongInput(
      "configuration: junk", ["run", "--config", "robot.yaml"], mentions: ["robot.yaml"],
      prepare: { try $0.writeJunk("robot.yaml") }),
    configuration(
      "an unknown key", "arm: reacher\ncontroll:\n  rate_hz: 50\n", mentions: ["2:1", "controll", "control"]),
    configuration("a wrong type", "run:\n  seed: [1]\n", mentions: ["2:", "seed"]),
    configuration("out of range", "control:\n  rate_hz: 1e9\n", mentions: ["2:", "rate_hz"]),
    configuration("nan", "control:\n  rate_hz: .nan\n", mentions: ["2:", "rate_hz"]),
    configuration("a key twice", "arm: reacher\narm: so101\n", mentions: ["arm"]),
    configuration("a tab", "run:\n\tseed: 1\n", mentions: ["2:"]),
    configuration("a misspelt choice", "log:\n  compression: ztsd\n", mentions: ["2:", "ztsd", "zstd"]),
    configuration(
      "an unknown perturbation", "simulation:\n  perturbations: {gravity: 2}\n", mentions: ["2:", "gravity"]),
    WrongInput(
      "configuration: an unknown arm", ["run", "--virtual", "--duration", "0.1", "--config", "robot.yaml"],
      mentions: ["robot.yaml", "so102"], prepare: { try $0.write("arm: so102\ntask: reacher-v5\n", to: "robot.yaml") }),
    WrongInput(
      "configuration: limits of an unknown joint", ["run", "--virtual", "--duration", "0.1", "--config", "robot.yaml"],
      mentions: ["robot.yaml", "3:", "elbow"],
      prepare: { try $0.write("safety:\n  joints:\n    elbow: {velocity: 1}\n", to: "robot.yaml") }),
    WrongInput(
      "configuration: looser limits", ["run", "--virtual", "--duration", "0.1", "--config", "robot.yaml"],
      mentions: ["robot.yaml", "effort"],
      prepare: { try $0.write("safety:\n  joints: {joint1: {effort: 500}}\n", to: "robot.yaml") }),
    WrongInput(
      "configuration: limits for an arm without a profile",
      ["run", "--virtual", "--duration", "0.1", "--config", "robot.yaml", "--model", "m.xml"],
      mentions: ["robot.yaml", "--profile"],
      prepare: {
        try $0.write(Shipped.model, changing: "model=\"reacher\"", to: "model=\"mine\"", as: "m.xml")
        try $0.write("safety:\n  every_joint: {effort: 5}\n", to: "robot.yaml")
      }),
    WrongInput(
      "configuration: an arm without a simulation model",
      ["run", "--virtual", "--duration", "0.1", "--config", "robot.yaml"],
      mentions: ["no simulation model of arm 'reacher'", "--model"],
      prepare: {
        let profile = try ArmProfile.text(of: "reacher").replacing("model: reacher", with: "model: none")
        try $0.write(profile, to: "mine.yaml")
        try $0.write("arm: mine.yaml\ntask: reacher-v5\n", to: "robot.yaml")
      }),
    WrongInput(
      "configuration: simulated time without an end", ["run", "--virtual", "--config", "robot.yaml"],
      mentions: ["--duration"], prepare: { try $0.write("run:\n  duration:\n", to: "robot.yaml") }),
  ]
}
