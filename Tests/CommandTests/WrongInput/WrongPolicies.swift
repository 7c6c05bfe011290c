import Configuration
import Foundation

extension WrongInput {
  private static func model(
    _ name: String, _ file: String = "p.onnx", mentions: [String] = [],
    prepare: @escaping @Sendable (ScratchFolder) throws -> Void
  ) -> WrongInput {
    WrongInput("policy: \(name)", ["policy", "inspect", file], mentions: [file] + mentions, prepare: prepare)
  }

  private static func bundle(_ name: String, _ old: String, _ new: String, mentions: [String]) -> WrongInput {
    WrongInput("bundle: \(name)", ["policy", "inspect", "b"], mentions: ["b/policy.yaml"] + mentions) {
      try $0.writeBundle("b", changing: old, to: new)
    }
  }

  /// Wrong policies.
  static let policies: [WrongInput] = [
    WrongInput("policy: unknown name", evaluate(policy: "reacher-sb4"), mentions: ["reacher-sb4", "reacher-sb3"]),
    WrongInput("policy: no name", evaluate(policy: ""), mentions: ["--policy"]),
    WrongInput("policy: /dev/null", evaluate(policy: "/dev/null"), mentions: ["/dev/null"]),
    WrongInput("policy: /dev/zero", evaluate(policy: "/dev/zero"), mentions: ["/dev/zero"]),
    WrongInput("policy: not readable", evaluate(policy: "/proc/self/mem"), mentions: ["/proc/self/mem"]),
    WrongInput(
      "policy: of another task", evaluate(task: "reach"), mentions: ["10 observations", "reach", "gives 29"]),
    model("missing") { _ in },
    model("empty") { try $0.write("", to: "p.onnx") },
    model("junk") { try $0.writeJunk("p.onnx") },
    model("truncated") { try $0.writeNetwork("p.onnx", prefix: 9000) },
    model("one byte short") {
      let size = try Data(contentsOf: Shipped.bundle.appendingPathComponent(Shipped.network)).count
      try $0.writeNetwork("p.onnx", prefix: size - 1)
    },
    model("a length beyond the file") {
      try $0.write(Data([0x08, 0x08, 0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]), to: "p.onnx")
    },
    model("huge", mentions: ["limit"]) { try $0.writeHole(5 << 30, to: "p.onnx") },
    model("a folder without policy.yaml", mentions: ["policy.yaml"]) { try $0.makeFolder("p.onnx") },
    model("a pipe without a writer") { try $0.makePipe("p.onnx") },
    model("a link to itself") { try $0.makeLink("p.onnx", to: "p.onnx") },
    model("an error page", mentions: []) { try $0.write("<!DOCTYPE html><html>404</html>\n", to: "p.onnx") },
    model("bare weights", "w.safetensors", mentions: ["policy.yaml"]) { try $0.writeJunk("w.safetensors") },
    model("a PyTorch file", "p.pt", mentions: ["ONNX"]) { try $0.writeJunk("p.pt") },
    model("an archive", "p.zip", mentions: ["unpack"]) { try $0.writeJunk("p.zip") },
    bundle("a path that escapes", "onnx: sb3", "onnx: ../sb3", mentions: [".."]),
    bundle("an absolute path", "onnx: sb3", "onnx: /etc/sb3", mentions: ["absolute"]),
    bundle("a missing file", "onnx: sb3_ppo", "onnx: sb4_ppo", mentions: ["sb4_ppo"]),
    bundle("a wrong dimension", "kind: cosine, dim: 2", "kind: cosine, dim: 3", mentions: ["11", "10"]),
    bundle("too few joints", "[joint1, joint2]", "[joint1]", mentions: ["joint"]),
    bundle("a joint twice", "[joint1, joint2]", "[joint1, joint1]", mentions: ["joint_names"]),
    bundle("a deviation of nan", "-3.140803813934326", ".nan", mentions: ["log_std"]),
    bundle(
      "too few deviations", "[-3.140803813934326, -3.1668057441711426]", "[-3]",
      mentions: ["1 standard deviations for 2"]),
    bundle("an upside-down box", "clip: [[-1, 1], [-1, 1]]", "clip: [[1, -1], [-1, 1]]", mentions: ["clip"]),
    bundle("an unknown key", "rate_hz: 50", "rate: 50", mentions: ["rate"]),
    bundle("a rate of zero", "rate_hz: 50", "rate_hz: 0", mentions: ["rate_hz"]),
    bundle("an unknown distribution", "kind: gaussian", "kind: cauchy", mentions: ["cauchy"]),
    bundle("a newer schema", "schema: 1", "schema: 7", mentions: ["schema"]),
    WrongInput("bundle: joints of another arm", evaluate(policy: "b"), mentions: ["left, right", "joint1, joint2"]) {
      try $0.writeBundle("b", changing: "[joint1, joint2]", to: "[left, right]")
    },
    WrongInput("bundle: a link out of the folder", ["policy", "inspect", "b"], mentions: ["b/policy.yaml", "link"]) {
      try $0.writeBundle("b", changing: "onnx: sb3_ppo_reacher.with_norm_clip.onnx", to: "onnx: out.onnx")
      try $0.makeLink("b/out.onnx", to: Shipped.bundle.appendingPathComponent(Shipped.network).path)
    },
    WrongInput("bundle: golden vectors of another policy", ["policy", "inspect", "b"], mentions: ["b/", "golden"]) {
      folder in
      let golden = try String(contentsOf: Shipped.bundle.appendingPathComponent("golden.csv"), encoding: .utf8)
      var lines = golden.split(separator: "\n").map(String.init)
      lines[3] = (lines[3].split(separator: ",").dropLast() + ["0.987654"]).joined(separator: ",")
      let changed = lines.joined(separator: "\n")
      let hash = Array(changed.utf8).withUnsafeBytes { ContentHash.sha256($0) }
      try folder.writeBundle(
        "b", changing: "73840aad8385a2a36998b953f92e2d0410d807b1e357c9bfe721e878fae9cbc4", to: hash)
      try folder.write(changed, to: "b/golden.csv")
    },
    WrongInput("bundle: a wrong hash", ["policy", "inspect", "b"], mentions: ["sb3_ppo_reacher", "00000000"]) {
      try $0.writeBundle("b", changing: "sha256: 43c906f2", to: "sha256: 00000000")
    },
    WrongInput("bundle: changed weights", ["policy", "inspect", "b"], mentions: ["sb3_ppo_reacher"]) { folder in
      try FileManager.default.copyItem(atPath: Shipped.bundle.path, toPath: folder.path("b"))
      var bytes = try folder.bytes("b/\(Shipped.network)")
      bytes[bytes.count / 2] ^= 1
      try folder.write(bytes, to: "b/\(Shipped.network)")
    },
  ]

  private static func table(_ name: String, _ text: String, mentions: [String]) -> WrongInput {
    WrongInput(
      "observations: \(name)", ["policy", "eval", "reacher-sb3", "--observations", "o.csv"],
      mentions: ["o.csv"] + mentions
    ) { try $0.write(text, to: "o.csv") }
  }

  private static let header = (0..<10).map { "obs[\($0)]" }.joined(separator: ",")
  private static let zeros = Array(repeating: "0", count: 10).joined(separator: ",")

  /// Wrong tables of observations.
  static let observations: [WrongInput] = [
    WrongInput(
      "observations: missing", ["policy", "eval", "reacher-sb3", "--observations", "no.csv"], mentions: ["no.csv"]),
    WrongInput(
      "observations: a pipe without a writer", ["policy", "eval", "reacher-sb3", "--observations", "pipe"],
      mentions: ["pipe"], prepare: { try $0.makePipe("pipe") }),
    WrongInput(
      "observations: junk", ["policy", "eval", "reacher-sb3", "--observations", "o.csv"], mentions: ["o.csv", "text"],
      prepare: { try $0.writeJunk("o.csv") }),
    table("empty", "", mentions: ["empty"]),
    table("no rows", header + "\n", mentions: ["rows"]),
    table("a column too few", "obs[0],obs[1]\n1,2\n", mentions: ["obs[2]"]),
    table("a column too many", header + ",obs[10]\n\(zeros),1\n", mentions: ["obs[10]"]),
    table("a column twice", header + ",obs[0]\n\(zeros),1\n", mentions: ["obs[0]"]),
    table("a short row", header + "\n\(zeros)\n1,2\n", mentions: ["line 3"]),
    table(
      "nan", header + "\n\(zeros.replacingOccurrences(of: "0,0,0", with: "0,nan,0"))\n", mentions: ["line 2", "nan"]),
    table("a word", header + "\n\(zeros.dropLast())left\n", mentions: ["line 2", "obs[9]", "left"]),
    table("beyond single precision", header + "\n\(zeros.dropLast())1e300\n", mentions: ["row 1"]),
  ]
}
