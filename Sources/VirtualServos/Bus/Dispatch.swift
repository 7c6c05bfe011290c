/// A packet that goes out on the line in answer to an instruction.
struct Reply {
  var bytes: [UInt8]
  /// ns from the instruction's end, or from the end of the reply before it.
  var delay: Int64
  /// Whether it waits for the reply before it; else it starts from the instruction's end, whatever others do.
  var isInTurn = true
  /// Who says what in it.
  var spoken: [(id: UInt8, answer: ServoAnswer)] = []
  /// Nobody speaks, but the next one waits as long as this packet would have taken.
  var isSilent = false
}

/// The line's protocol: finds instructions among bytes and lets servos answer them.
struct LineProtocol {
  private let isLong: Bool
  /// Whether there are STS servos: the other short-frame families have no sync read.
  private let hasSyncRead: Bool
  private var short = ShortFrameParser()
  private var long = LongFrameParser()

  init(_ servoProtocol: ServoProtocol, models: [ServoModel]) {
    isLong = servoProtocol == .dynamixel2
    hasSyncRead = models.contains { $0.family == .feetechSTS }
  }

  /// Takes one byte.
  mutating func push(_ byte: UInt8) -> ParserEvent? { isLong ? long.push(byte) : short.push(byte) }

  /// Forgets a begun packet.
  mutating func reset() {
    short.reset()
    long.reset()
  }

  /// What the listening servos say to an instruction.
  func replies(to instruction: Instruction, from devices: [ServoDevice]) -> [Reply] {
    isLong
      ? LongDispatch.replies(to: instruction, devices)
      : ShortDispatch.replies(to: instruction, devices, hasSyncRead: hasSyncRead)
  }

  /// What the listening servos say to a damaged packet that named `id`.
  func replies(toDamagedPacketFor id: UInt8, from devices: [ServoDevice]) -> [Reply] {
    devices.filter { $0.id == id }.compactMap { device in
      if let servo = device as? AxServo, let answer = servo.checksumFailure {
        return Reply(bytes: ShortFrame.status(id: id, answer), delay: device.returnDelay, isInTurn: false)
      }
      if let servo = device as? DynamixelServo, let answer = servo.checksumFailure {
        return Reply(bytes: LongFrame.status(id: id, answer), delay: device.returnDelay, isInTurn: false)
      }
      return nil
    }
  }
}

/// Feetech and Protocol 1.0.
enum ShortDispatch {
  static func replies(to instruction: Instruction, _ devices: [ServoDevice], hasSyncRead: Bool) -> [Reply] {
    let parameters = instruction.parameters
    guard instruction.isBroadcast else {
      return devices.filter { $0.id == instruction.id }.compactMap { device in
        device.execute(instruction.code, parameters).map {
          Reply(bytes: ShortFrame.status(id: instruction.id, $0), delay: device.returnDelay, isInTurn: false)
        }
      }
    }
    switch instruction.code {
    case 0x01:
      // All at once: with several servos on the line nobody can be understood.
      return devices.compactMap { device in
        device.execute(0x01, []).map {
          Reply(bytes: ShortFrame.status(id: device.id, $0), delay: device.returnDelay, isInTurn: false)
        }
      }
    case 0x82 where hasSyncRead:
      guard parameters.count > 2, parameters.count <= 128 else { return [] }
      return parameters.dropFirst(2).map { id in
        guard let device = devices.first(where: { $0.id == id }),
          let answer = device.syncRead(Int(parameters[0]), Int(parameters[1]))
        else {
          return Reply(
            bytes: Array(repeating: 0, count: 6 + Int(parameters[1])), delay: devices.first?.returnDelay ?? 0,
            isSilent: true)
        }
        return Reply(bytes: ShortFrame.status(id: id, answer), delay: device.returnDelay, spoken: [(id, answer)])
      }
    case 0x83:
      guard parameters.count > 2, parameters[1] > 0 else { return [] }
      let size = Int(parameters[1]) + 1
      var index = 2
      while index + size <= parameters.count {
        for device in devices where device.id == parameters[index] {
          device.syncWrite(Int(parameters[0]), Array(parameters[(index + 1)..<(index + size)]))
        }
        index += size
      }
    case 0x03, 0x04, 0x05, 0x06:
      for device in devices { _ = device.execute(instruction.code, parameters) }
    default: break
    }
    return []
  }
}

/// Protocol 2.0.
enum LongDispatch {
  static func replies(to instruction: Instruction, _ devices: [ServoDevice]) -> [Reply] {
    let parameters = instruction.parameters
    guard instruction.isBroadcast else {
      let secondaries = devices.filter { $0.registers[X.secondaryID] == Int(instruction.id) && $0.id != instruction.id }
      // A secondary id takes writes and says nothing.
      if [0x03, 0x04, 0x05].contains(instruction.code), instruction.id <= 252 {
        for device in secondaries { _ = device.execute(instruction.code, parameters) }
      }
      return devices.filter { $0.id == instruction.id }.compactMap { device in
        device.execute(instruction.code, parameters).map {
          Reply(bytes: LongFrame.status(id: instruction.id, $0), delay: device.returnDelay, isInTurn: false)
        }
      }
    }
    func word(_ index: Int) -> Int { Int(parameters[index]) | Int(parameters[index + 1]) << 8 }
    switch instruction.code {
    case 0x01:
      return devices.sorted { $0.id < $1.id }.compactMap { device in
        device.execute(0x01, []).map {
          Reply(bytes: LongFrame.status(id: device.id, $0), delay: device.returnDelay)
        }
      }
    case 0x82, 0x8A:
      guard parameters.count > 4, word(2) > 0 else { return [] }
      let requests = parameters.dropFirst(4).map { (id: $0, address: word(0), count: word(2)) }
      return instruction.code == 0x82 ? each(requests, devices) : fast(requests, devices)
    case 0x92, 0x9A:
      guard parameters.count >= 5, parameters.count % 5 == 0 else { return [] }
      let requests = stride(from: 0, to: parameters.count, by: 5).map {
        (id: parameters[$0], address: word($0 + 1), count: word($0 + 3))
      }
      // An id may appear once.
      guard Set(requests.map { $0.id }).count == requests.count else { return [] }
      return instruction.code == 0x92 ? each(requests, devices) : fast(requests, devices)
    case 0x83:
      guard parameters.count > 4, word(2) > 0 else { return [] }
      let size = word(2) + 1
      var index = 4
      while index + size <= parameters.count {
        for device in devices where device.obeys(parameters[index]) {
          device.syncWrite(word(0), Array(parameters[(index + 1)..<(index + size)]))
        }
        index += size
      }
    case 0x93:
      var index = 0
      while index + 5 <= parameters.count {
        let end = index + 5 + word(index + 3)
        guard end <= parameters.count else { break }
        for device in devices where device.id == parameters[index] {
          device.syncWrite(word(index + 1), Array(parameters[(index + 5)..<end]))
        }
        index = end
      }
    case 0x06:
      // Since firmware 42 a broadcast may not reset everybody to id 1.
      if parameters.first != 0xFF { for device in devices { _ = device.execute(0x06, parameters) } }
    case 0x03, 0x04, 0x05, 0x08, 0x10:
      for device in devices { _ = device.execute(instruction.code, parameters) }
    default: break
    }
    return []
  }

  private typealias Request = (id: UInt8, address: Int, count: Int)

  /// One status packet per servo, in the order of the list.
  private static func each(_ requests: [Request], _ devices: [ServoDevice]) -> [Reply] {
    requests.map { request in
      guard let device = devices.first(where: { $0.id == request.id }),
        let answer = device.syncRead(request.address, request.count)
      else {
        let length = min(11 + request.count, 1024)
        return Reply(
          bytes: Array(repeating: 0, count: length), delay: devices.first?.returnDelay ?? 0, isSilent: true)
      }
      return Reply(
        bytes: LongFrame.status(id: request.id, answer), delay: device.returnDelay, spoken: [(request.id, answer)])
    }
  }

  /// One packet for all, which ends before the first servo that is silent.
  private static func fast(_ requests: [Request], _ devices: [ServoDevice]) -> [Reply] {
    let parts: [(id: UInt8, answer: ServoAnswer)?] = requests.map { request in
      guard let device = devices.first(where: { $0.id == request.id }),
        let answer = device.syncRead(request.address, request.count), answer.data.count == request.count
      else { return nil }
      return (request.id, answer)
    }
    guard parts.first.flatMap({ $0 }) != nil else { return [] }
    let length = requests.reduce(1) { $0 + 4 + $1.count }
    let delay = devices.first { $0.id == requests[0].id }?.returnDelay ?? 0
    return [
      Reply(
        bytes: LongFrame.fastStatus(parts, length: length), delay: delay,
        spoken: parts.prefix { $0 != nil }.compactMap { $0 })
    ]
  }
}

extension ServoDevice {
  /// Whether a write that names `id` in a group is for this servo: by its own id, or by its secondary one.
  fileprivate func obeys(_ id: UInt8) -> Bool {
    self.id == id || (id <= 252 && registers[X.secondaryID] == Int(id))
  }
}
