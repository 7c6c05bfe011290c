import CSystem

/// What one servo measures, in SI units and in its own numbers.
public struct ServoReading: Sendable, Equatable {
  /// What the motor works with, as far as the servo measures it.
  public enum Effort: Sendable, Equatable {
    /// Part of the whole duty, -1 … 1.
    case load(Double)
    /// A.
    case current(Double)
  }

  /// The servo's own number.
  public var ticks: Int
  /// The angle from the servo's own zero, rad.
  public var position: Double
  /// rad/s.
  public var velocity: Double
  public var effort: Effort
  /// V.
  public var voltage: Double
  /// °C.
  public var temperature: Double
  public var isTorqueOn: Bool
  /// The names of the errors that it reports.
  public var errors: [String]
  /// When it was asked, monotonic ns: the values are not older.
  public var stamp: Int64
}

/// Reads what servos measure, again and again, one after the other: for people and scripts, not for the control thread.
public struct ServoMonitor: Sendable {
  /// A servo and the table its registers are read by.
  public struct Servo: Sendable {
    public let id: UInt8
    public let model: ServoModel
    fileprivate let measured: [Register]

    /// `model` nil: one that stands for all of the protocol.
    public init(_ id: UInt8, _ model: ServoModel?, wire: WireProtocol) {
      let model = model ?? ServoModel.typical(wire)
      self.id = id
      self.model = model
      let names = [
        "present_position", "present_speed", "present_current", "present_load", "present_voltage",
        "present_temperature",
      ]
      measured = names.compactMap { model.register($0) }.sorted { $0.address < $1.address }
    }
  }

  public let servos: [Servo]
  /// How often in a row each servo has not answered.
  public private(set) var missed: [Int]

  public init(_ servos: [Servo]) {
    self.servos = servos
    missed = Array(repeating: 0, count: servos.count)
  }

  /// Asks every servo once; nil for one that does not answer. Only a dead port is an error.
  public mutating func sample(_ master: inout BusMaster) throws(BusError) -> [ServoReading?] {
    var readings: [ServoReading?] = []
    for (index, servo) in servos.enumerated() {
      do throws(BusError) {
        readings.append(try read(servo, &master))
        missed[index] = 0
      } catch {
        switch error.kind {
        case .noAnswer, .refused, .notTaken: readings.append(nil)
        default: throw error
        }
        missed[index] += 1
      }
    }
    return readings
  }

  private func read(_ servo: Servo, _ master: inout BusMaster) throws(BusError) -> ServoReading {
    let model = servo.model
    guard let first = servo.measured.first, let last = servo.measured.last else {
      throw BusError(.invalidRequest, "the \(model.name) measures nothing")
    }
    let stamp = sinew_now_ns()
    // All that is measured lies together: one request, one moment.
    let (status, data) = try master.readWithStatus(
      servo.id, address: first.address, count: last.address + last.width - first.address)
    func number(_ name: String) -> Int? {
      guard let register = servo.measured.first(where: { $0.name == name }) else { return nil }
      return register.codec(bigEndian: model.wire.isBigEndian).decode(
        Array(data[(register.address - first.address)...]))
    }
    func value(_ name: String) -> Double? {
      guard let register = model.register(name), let number = number(name) else { return nil }
      return Double(number) * register.scale
    }
    let torque = try master.readRegister(servo.id, "torque_enable", of: model)
    var errors = StatusText.meanings(status, model.wire)
    if model.wire == .dynamixel2 {
      // The alert says that there is something to read, no more.
      let bits = status & 0x80 == 0 ? 0 : try master.readRegister(servo.id, "hardware_error", of: model)
      errors = StatusText.hardwareErrors(UInt8(clamping: bits))
    }
    return ServoReading(
      ticks: number("present_position") ?? 0, position: value("present_position") ?? 0,
      velocity: value("present_speed") ?? 0,
      effort: value("present_current").map { .current($0) } ?? .load(value("present_load") ?? 0),
      voltage: value("present_voltage") ?? 0, temperature: value("present_temperature") ?? 0, isTorqueOn: torque == 1,
      errors: errors, stamp: stamp)
  }
}

/// A register whose value has changed.
public struct RegisterChange: Sendable, Equatable {
  public let id: UInt8
  public let register: Register
  /// nil at the first reading.
  public let before: Int?
  public let now: Int
  /// When it was asked, monotonic ns.
  public let stamp: Int64
}

/// Reads named registers again and again and tells what has changed.
public struct RegisterWatch: Sendable {
  public let servos: [ServoMonitor.Servo]
  public let names: [String]
  private var last: [UInt8: [String: Int]] = [:]

  /// Refuses a name that a servo does not have.
  public init(_ servos: [ServoMonitor.Servo], names: [String]) throws(BusError) {
    for servo in servos {
      for name in names { _ = try servo.model.find(name) }
    }
    self.servos = servos
    self.names = names
  }

  /// Asks every servo for every register once; the first time everything is new. A servo that does not answer is left out.
  public mutating func sample(_ master: inout BusMaster) throws(BusError) -> [RegisterChange] {
    var changes: [RegisterChange] = []
    for servo in servos {
      for name in names {
        let register = try servo.model.find(name)
        let stamp = sinew_now_ns()
        do throws(BusError) {
          let now = try master.readRegister(servo.id, name, of: servo.model)
          let before = last[servo.id]?[name]
          guard before != now else { continue }
          last[servo.id, default: [:]][name] = now
          changes.append(RegisterChange(id: servo.id, register: register, before: before, now: now, stamp: stamp))
        } catch {
          switch error.kind {
          case .noAnswer, .refused, .notTaken: continue
          default: throw error
          }
        }
      }
    }
    return changes
  }
}
