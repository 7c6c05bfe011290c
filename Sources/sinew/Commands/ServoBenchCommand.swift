import ArgumentParser
import ServoBus

/// `sinew servo bench`: how fast and how well a bus is read and written.
struct ServoBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure control cycles on a bus beside a plain C client in the same run.",
    discussion: """
      Each cycle reads 8 bytes from every servo and writes its goal, which is its own position at the start: nothing
      moves. The two clients run in turns of fifty cycles. Prints the rate that the bus carries by its bytes, speed and
      measured latency.

      Examples:
        sinew servo bench --port /dev/ttyUSB0 --protocol feetech --ids 1-6 --cycles 1000
        sinew servo bench --port /dev/ttyUSB0 --protocol dynamixel2 --ids 1-6 --cycles 1000 --fast --json

      Exit codes: 0 success; 1 a servo does not answer, or not the way that --fast asks, or the port failed; 2 wrong input \
      or a port that cannot be opened.
      """)

  @OptionGroup var bus: ServoOptions
  @Option(help: "The servos.")
  var ids = "1-6"
  @Option(help: "How many cycles.")
  var cycles = 1000
  @Flag(help: "Use the fast sync read (dynamixel2).")
  var fast = false
  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    guard (1...10_000_000).contains(cycles) else {
      throw ValidationError("--cycles must be between 1 and 10000000, found \(cycles).")
    }
  }

  struct Output: Encodable {
    let cycles: Int
    let ok: Int
    let errors: [String: UInt64]
    let p50_us: Double
    let p99_us: Double
    let cpu_us: Double
    let syscalls: Double
    let rate_limit_hz: Double
    let latency_us: Double
    /// The plain C client in the same run, in turns with ours; absent where servos are read one by one.
    let reference: Reference?

    struct Reference: Encodable {
      let cycles: Int
      let ok: Int
      let p50_us: Double
      let p99_us: Double
      let cpu_us: Double
      let syscalls: Double
    }
  }

  mutating func run() throws {
    let ids = try servoIDs(ids)
    let benchmark = ServoBenchmark(ids: ids, cycles: cycles, method: fast ? .fast : nil)
    let plan = benchmark.plan(on: bus.wire)
    if let problem = plan.problem(on: bus.wire) { throw InputError(problem) }
    var master = try bus.open()
    let first = ids[0]
    let address = plan.readAddress
    let latency = try onBus { () throws(BusError) in try master.measureLatency(first, address: address) }
    let isFast = fast
    if isFast {
      let answers = try onBus { () throws(BusError) in try master.probeFastRead(plan) }
      guard answers else {
        throw RunFailure("the servos do not answer a fast sync read; measure without --fast")
      }
    }
    var timing = master.timing
    timing.latency = latency
    let limit = plan.rate(on: bus.wire, timing: timing)
    let comparison = try onBus { () throws(BusError) in try benchmark.run(&master) }
    let (ours, plain) = (comparison.ours, comparison.plain)
    if json {
      try printJSON(
        Output(
          cycles: ours.cycles, ok: ours.complete,
          errors: Dictionary(uniqueKeysWithValues: ours.errors.map { ($0.kind, $0.count) }),
          p50_us: Double(ours.p50) / 1000, p99_us: Double(ours.p99) / 1000, cpu_us: ours.cpu / 1000,
          syscalls: ours.systemCalls, rate_limit_hz: limit, latency_us: Double(latency) / 1000,
          reference: plain.map {
            Output.Reference(
              cycles: $0.cycles, ok: $0.complete, p50_us: Double($0.p50) / 1000, p99_us: Double($0.p99) / 1000,
              cpu_us: $0.cpu / 1000, syscalls: $0.systemCalls)
          }))
      return
    }
    var table = TextTable(header: ["client", "complete", "p50", "p99", "cpu", "system calls"])
    for (name, result) in [("sinew", ours)] + (plain.map { [("plain C", $0)] } ?? []) {
      table.add([
        name, "\(result.complete)/\(result.cycles)", Format.duration(result.p50), Format.duration(result.p99),
        Format.duration(Int64(result.cpu)), Format.fixed(result.systemCalls, 2),
      ])
    }
    print(table.text)
    if let plain, plain.p50 > 0, plain.cpu > 0 {
      print(
        "ratio: p50 \(Format.fixed(Double(ours.p50) / Double(plain.p50), 2)), cpu \(Format.fixed(ours.cpu / plain.cpu, 2))"
      )
    }
    let errors = ours.errors.filter { $0.count > 0 }.map { "\($0.kind) \($0.count)" }
    print("errors: \(errors.isEmpty ? "none" : errors.joined(separator: ", "))")
    print(
      "the bus carries \(Format.number(limit)) cycles a second at \(bus.baud) baud with a measured latency of \(Format.duration(latency))"
    )
  }
}
