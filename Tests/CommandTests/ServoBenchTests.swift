import Foundation
import Testing

/// `sinew servo bench` on virtual servos in a program of their own, and the fault trials.
@Suite struct ServoBenchTests {
  private func withServos(_ arguments: [String], _ body: (ScratchFolder) throws -> Void) throws {
    let folder = try ScratchFolder()
    let servos = try Command(["emulate", "--pty", "bus", "--duration", "120"] + arguments, in: folder.root)
    let end = Date(timeIntervalSinceNow: 20)
    while !FileManager.default.fileExists(atPath: folder.path("bus")), Date() < end { usleep(5000) }
    try body(folder)
    servos.send(SIGTERM)
    _ = try servos.finish()
  }

  private func object(_ text: String) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test(
    "the benchmark prints one object with the keys that were promised, and the plain C client's beside",
    arguments: [
      ("feetech", "sts3215-7v4", [String](), true), ("dynamixel2", "xl330-m288", [], true),
      ("dynamixel2", "xl330-m288", ["--fast"], true), ("dynamixel1", "ax-12a", [], false),
    ])
  func bench(wire: String, model: String, extra: [String], hasReference: Bool) throws {
    try withServos(
      ["--protocol", wire, "--model", model, "--ids", "1-6", "--unpaced", "--return-delay-us", "0"]
    ) { folder in
      let arguments = [
        "servo", "bench", "--port", "bus", "--protocol", wire, "--ids", "1-6", "--cycles", "60", "--json",
      ]
      let outcome = try Command.run(arguments + extra, in: folder)
      try #require(outcome.code == 0, "\(outcome.errors)")
      let found = try object(outcome.output)
      #expect(found["cycles"] as? Int == 60)
      // A machine that is busy may lose some; none may be wrong.
      #expect(try #require(found["ok"] as? Int) >= 30)
      let errors = try #require(found["errors"] as? [String: Int])
      #expect(errors["checksum"] == 0 && errors["timeout"] != nil)
      for key in ["p50_us", "p99_us", "cpu_us", "syscalls"] {
        #expect(try #require(found[key] as? Double) > 0, "\(key)")
      }
      let reference = found["reference"] as? [String: Any]
      #expect((reference != nil) == hasReference)
      if let reference {
        #expect(Set(reference.keys).isSuperset(of: ["cycles", "ok", "p50_us", "cpu_us", "syscalls"]))
      }
    }
  }

  @Test("the fault trials print a table whose every row holds")
  func faults() throws {
    let outcome = try Command.run(["bench", "bus-faults", "--cycles", "60", "--json"], in: ScratchFolder())
    #expect(outcome.code == 0, "\(outcome.errors)")
    let trials = try #require(try object(outcome.output)["trials"] as? [[String: Any]])
    #expect(trials.count == 39)
    for trial in trials {
      #expect(trial["holds"] as? Bool == true && trial["cycles"] as? Int == 60)
      #expect(trial["older_than_stamp"] as? Int == 0 && trial["wrong_past_filter"] as? Int == 0)
    }
    let wrong = try Command.run(["bench", "bus-faults", "--cycles", "0"], in: ScratchFolder())
    #expect(wrong.code == 2)
  }

  @Test("the stop button's way to the bus is measured in control periods")
  func stopLatency() throws {
    let arguments = ["bench", "stop-latency", "--presses", "2", "--rate", "50", "--priority", "0", "--json"]
    let outcome = try Command.run(arguments, in: ScratchFolder())
    // A busy machine may miss the bound, and says so.
    #expect(outcome.code == 0 || (outcome.code == 1 && outcome.errors.contains("control periods")))
    let figures = try object(outcome.output)
    #expect(figures["presses"] as? Int == 2 && figures["unheeded"] as? Int == 0)
    #expect(figures["period_us"] as? Double == 20_000)
    for wrong in [["--presses", "0"], ["--rate", "5"], ["--priority", "100"]] {
      #expect(try Command.run(["bench", "stop-latency"] + wrong, in: ScratchFolder()).code == 2)
    }
  }
}
