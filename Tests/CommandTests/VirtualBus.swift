import Foundation
import VirtualServos

/// A bus of virtual servos on a pseudo-terminal, in this process.
final class VirtualBus {
  let server: ServoBusServer
  var port: String { server.portName }

  /// Servos of one model at ids, or just those `setups`.
  init(
    _ model: String = "sts3215-7v4", ids: [UInt8] = [1, 2, 3], baud: Int = 1_000_000, setups: [ServoSetup]? = nil,
    voltage: Double? = nil, checksBaud: Bool = false, faults: [String] = []
  ) throws {
    let servos = try setups ?? Self.servos(model, ids: ids, baud: baud)
    var configuration = VirtualBusConfiguration(
      servos: servos, timing: BusTiming(baud: baud, checksBaud: checksBaud), faults: try FaultSettings.parse(faults))
    configuration.supplyVoltage = voltage
    server = try ServoBusServer.pseudoTerminal(try VirtualServoBus(configuration))
  }

  deinit { server.stop() }

  static func servos(_ model: String, ids: [UInt8], baud: Int = 1_000_000) throws -> [ServoSetup] {
    try ServoSetup.servos(try ServoModel.named(model), ids: ids, baud: baud, returnDelay: 0)
  }

  /// `sinew servo …` on this bus.
  func run(
    _ words: String..., protocol name: String = "feetech", environment: [String: String] = [:]
  ) throws -> Outcome {
    try Command.run(
      Self.words(words, port, name), in: ScratchFolder(), environment: environment)
  }

  /// The same, started only.
  func start(_ words: String..., protocol name: String = "feetech") throws -> Command {
    try Command(Self.words(words, port, name), in: ScratchFolder())
  }

  /// Options go before a "--", after which there are only numbers.
  private static func words(_ words: [String], _ port: String, _ name: String) -> [String] {
    let options = ["--port", port, "--protocol", name]
    guard let end = words.firstIndex(of: "--") else { return ["servo"] + words + options }
    return ["servo"] + words[..<end] + options + words[end...]
  }

  func register(_ slot: Int, _ address: Int) -> Int? { server.withBus { $0.register(slot, at: address) } }
}
