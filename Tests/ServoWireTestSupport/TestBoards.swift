import CServoWire
import ServoWire

/// What a board's inputs read.
public struct TestInputs {
  public var isEstopOpen = false
  public var hasFault = false
  public var voltageMv: UInt16 = 7400
  public var currentMa: UInt16 = 500
  public var feedback: [UInt16] = []

  public init() {}
}

/// All of a board that can be seen from outside.
public struct BoardSight: Equatable {
  public var state: UInt8
  public var cause: UInt8
  public var flags: UInt16
  public var pulses: [UInt16]
  public var rail: Bool
  public var frameHz: UInt16
}

/// A board without hardware: the reference controller in Swift, or the one in C. Its configuration store is `memory`.
public protocol TestBoard: AnyObject {
  var memory: [UInt8] { get set }
  /// Both give the bytes that are to be sent.
  func feed(_ byte: UInt8, nowUs: UInt32) -> [UInt8]
  func step(_ inputs: TestInputs, nowUs: UInt32) -> [UInt8]
  func bytesWereLost()
  /// Stores the next byte, or tells the controller that it cannot. False when there is none.
  func storeNext(isWorking: Bool) -> Bool
  var sight: BoardSight { get }
}

/// Who the boards of the tests are.
public struct TestIdentity {
  public var channels: Int
  public init(channels: Int) { self.channels = channels }
}

public final class SwiftBoard: TestBoard {
  public var memory: [UInt8]
  private var controller: BoardController
  private let channels: Int

  public init(_ identity: TestIdentity, memory: [UInt8], nowUs: UInt32 = 0) {
    self.memory = memory
    channels = identity.channels
    var own = BoardIdentity(channels: identity.channels)
    own.firmware = 0x0102
    own.board = 7
    own.uniqueID = 0x0807_0605_0403_0201
    own.reset = .power
    own.bootCount = 3
    own.capabilities = Capabilities.railSwitch | Capabilities.voltage
    own.maximumRateHz = 200
    controller = BoardController(identity: own, nowUs: nowUs) { memory[$0] }
  }

  private func sent(_ isDue: Bool) -> [UInt8] {
    isDue ? (0..<controller.frame.count).map { controller.frame[$0] } : []
  }

  public func feed(_ byte: UInt8, nowUs: UInt32) -> [UInt8] { sent(controller.feed(byte, nowUs: nowUs)) }

  public func step(_ inputs: TestInputs, nowUs: UInt32) -> [UInt8] {
    var own = BoardInputs()
    own.isEstopOpen = inputs.isEstopOpen
    own.hasFault = inputs.hasFault
    own.voltageMv = inputs.voltageMv
    own.currentMa = inputs.currentMa
    for value in inputs.feedback { own.feedback.append(value) }
    return sent(controller.step(own, nowUs: nowUs))
  }

  public func bytesWereLost() { controller.bytesWereLost() }

  public func storeNext(isWorking: Bool) -> Bool {
    guard let (address, byte) = controller.storeNext() else { return false }
    if isWorking { memory[address] = byte }
    controller.stored(isWorking)
    return true
  }

  public var sight: BoardSight {
    BoardSight(
      state: controller.state.wireValue, cause: controller.cause.wireValue, flags: controller.flags,
      pulses: (0..<channels).map { controller.pulse($0) }, rail: controller.railLevel, frameHz: controller.frameHz)
  }
}

public final class CBoard: TestBoard {
  public var memory: [UInt8]
  private let controller: UnsafeMutablePointer<sw_controller>
  private let channels: Int

  public init(_ identity: TestIdentity, memory: [UInt8], nowUs: UInt32 = 0) {
    self.memory = memory
    channels = identity.channels
    controller = .allocate(capacity: 1)
    var own = sw_identity()
    own.firmware = 0x0102
    own.board = 7
    own.unique_id = (1, 2, 3, 4, 5, 6, 7, 8)
    own.reset = UInt8(SW_RESET_POWER)
    own.boot_count = 3
    own.capabilities = UInt16(SW_CAPABILITY_RAIL_SWITCH | SW_CAPABILITY_VOLTAGE)
    own.maximum_rate_hz = 200
    own.channels = UInt8(identity.channels)
    self.memory.withUnsafeMutableBytes { bytes in
      sw_begin(
        controller, &own, { $0?.load(fromByteOffset: Int($1), as: UInt8.self) ?? 0 }, bytes.baseAddress, nowUs)
    }
  }

  deinit { controller.deallocate() }

  /// Size of the controller's state on this processor, bytes.
  public static var stateSize: Int { MemoryLayout<sw_controller>.size }

  private func sent(_ count: UInt8) -> [UInt8] {
    withUnsafeBytes(of: &controller.pointee.frame) { Array($0.prefix(Int(count))) }
  }

  public func feed(_ byte: UInt8, nowUs: UInt32) -> [UInt8] { sent(sw_feed(controller, byte, nowUs)) }

  public func step(_ inputs: TestInputs, nowUs: UInt32) -> [UInt8] {
    var own = sw_inputs()
    own.estop_open = inputs.isEstopOpen
    own.fault = inputs.hasFault
    own.voltage_mv = inputs.voltageMv
    own.current_ma = inputs.currentMa
    own.feedback_count = UInt8(inputs.feedback.count)
    withUnsafeMutableBytes(of: &own.feedback) { feedback in
      for (index, value) in inputs.feedback.enumerated() {
        feedback.storeBytes(of: value, toByteOffset: 2 * index, as: UInt16.self)
      }
    }
    return sent(sw_step(controller, &own, nowUs))
  }

  public func bytesWereLost() { sw_bytes_were_lost(controller) }

  public func storeNext(isWorking: Bool) -> Bool {
    var address: UInt16 = 0
    var byte: UInt8 = 0
    guard sw_store_next(controller, &address, &byte) else { return false }
    if isWorking { memory[Int(address)] = byte }
    sw_stored(controller, isWorking)
    return true
  }

  public var sight: BoardSight {
    BoardSight(
      state: controller.pointee.state, cause: controller.pointee.cause, flags: UInt16(controller.pointee.flags),
      pulses: (0..<channels).map { sw_pulse(controller, UInt8($0)) }, rail: sw_rail_level(controller),
      frameHz: sw_frame_hz(controller))
  }
}
