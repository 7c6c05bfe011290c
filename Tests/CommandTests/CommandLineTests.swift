import Testing

/// How the command line is read, and what is said of one that is wrong.
struct CommandLineTests {
  @Test(
    "a negative number is a number that does not fit, not a missing one",
    arguments: [
      (["servo", "info", "--port", "x", "--id", "-1"], "--id must be between 0 and 253, found -1."),
      (["servo", "info", "--port", "x", "--id", "254"], "--id must be between 0 and 253, found 254."),
      (["servo", "reboot", "--port", "x", "--id", "-1"], "--id must be between 0 and 253, found -1."),
      (["servo", "set-id", "300", "--port", "x", "--id", "1"], "300 is no id: feetech has 0 to 253"),
      (["servo", "bench", "--port", "x", "--cycles", "-5"], "--cycles must be between 1 and 10000000, found -5."),
      (["servo", "monitor", "--port", "x", "--rate", "-0.5"], "--rate must be between 0.01 and 1000 Hz, found -0.5."),
      (["run", "--duration", "-1"], "--duration must be"),
    ])
  func negative(words: [String], part: String) throws {
    let outcome = try Command.run(words, in: ScratchFolder())
    #expect(outcome.code == 2 && outcome.errorLines.count == 1, "\(outcome.errors)")
    #expect(outcome.errors.contains(part), "\(outcome.errors)")
  }

  @Test("a negative number behind -- stays where it is")
  func behindDashes() throws {
    let words = ["servo", "write", "--id", "1", "--port", "nowhere", "--", "homing_offset", "-85"]
    let outcome = try Command.run(words, in: ScratchFolder())
    #expect(outcome.code == 2 && outcome.errors.contains("nowhere: there is no such port"), "\(outcome.errors)")
  }

  @Test(
    "a port without a name is answered with how to find one",
    arguments: [
      ["servo", "scan"], ["servo", "info", "--id", "1"], ["servo", "bench"], ["calibrate", "--arm", "so101"],
      ["calibrate", "import", "x.json", "--arm", "so101"], ["run", "--arm", "so101"], ["replay", "x.mcap"],
      ["firmware", "info"],
    ])
  func emptyPort(words: [String]) throws {
    let outcome = try Command.run(words + ["--port", ""], in: ScratchFolder())
    #expect(outcome.code == 2)
    #expect(
      outcome.errorLines == [
        "error: --port must not be empty; give a device such as /dev/ttyUSB0 ('sinew port list' shows which there are)."
      ])
  }

  @Test(
    "a wrong command line is answered with one line: what is wrong, and where it is explained",
    arguments: [
      (["servo", "info", "--id", "1"], "error: Missing expected argument '--port <port>'; 'sinew servo info --help' "),
      (["servo", "info", "--port", "x", "--id", "one"], "error: The value 'one' is invalid for '--id <id>'; 'sinew "),
      (["servo", "scna"], "'sinew servo --help' explains the options"),
      (["port", "find", "--fast"], "error: Unknown option '--fast'; 'sinew port find --help' explains the options"),
      (["replay"], "error: Missing expected argument '<path>'; 'sinew replay --help' explains the options"),
    ])
  func oneLine(words: [String], part: String) throws {
    let outcome = try Command.run(words, in: ScratchFolder())
    #expect(outcome.code == 2 && outcome.output.isEmpty)
    #expect(outcome.errorLines.count == 1 && outcome.errors.contains(part), "\(outcome.errors)")
  }
}
