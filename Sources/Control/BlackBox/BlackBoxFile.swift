import ArmModel
import Glibc
import Safety

/// One tick in a black box.
public struct BlackBoxRecord: Sendable {
  /// Number of the tick, from 1, and its monotonic time, ns.
  public let number: UInt64
  public let now: Int64
  /// How late the tick began, and how long after the one before, ns.
  public let lateness: Int64
  public let sincePrevious: Int64
  public let state: SafetyState
  public let source: CommandSource
  public let stopClass: StopClass
  public let active: ConditionSet
  public let latched: ConditionSet
  /// The joints that a condition is about, one bit each; none where it is not one of joints.
  public let conditionJoints: [Condition: UInt16]
  public let requests: OperatorRequests
  public let remoteRequests: OperatorRequests
  public let refused: OperatorRequests
  public let refusal: RefusalReason
  public let alterations: Alterations
  public let notices: Notices
  /// What was wanted of torque, what the arm said of it, and what share of it the servos might use.
  public let power: PowerRequest
  public let armPower: ArmPower
  public let torqueShare: Double
  /// What any of the servos reported.
  public let faults: JointFaults
  public let writes: Bool
  public let readSucceeded: Bool
  public let writeFailed: Bool
  public let person: OperatorState
  public let externalStop: Bool
  /// Per joint: measured position (rad), velocity (rad/s) and effort (N·m); what policy and person proposed (not a number
  /// where nothing was); what was commanded.
  public let position: [Double]
  public let velocity: [Double]
  public let effort: [Double]
  public let policy: [Double]
  public let human: [Double]
  public let command: [Double]
}

/// A black box as it was left behind, by a process that may have died while it wrote.
public struct BlackBoxFile: Sendable {
  /// The control period, ns, and the process that wrote it.
  public let period: Int64
  public let process: Int
  public let jointCount: Int
  /// As the run named them; empty where it did not.
  public let jointNames: [String]
  /// In the order of time; a record that was being written is left out.
  public let records: [BlackBoxRecord]

  /// Reads a file.
  ///
  /// - Throws: `BlackBoxError` when it cannot be read or is no black box.
  public init(path: String) throws(BlackBoxError) {
    try self.init(bytes: try Self.contents(path), path: path)
  }

  /// The same of bytes that were read from `path`.
  init(bytes: [UInt8], path: String) throws(BlackBoxError) {
    func damaged(_ what: String) -> BlackBoxError {
      BlackBoxError("\(path): \(what), so it is no black box; give a file that a run has left")
    }
    guard bytes.count >= BlackBox.Layout.headerSize else { throw damaged("only \(bytes.count) bytes long") }
    let header = ByteReader(bytes: bytes, start: 0)
    guard header.number(0, UInt64.self) == BlackBox.Layout.magic else { throw damaged("it begins otherwise") }
    let recordSize = Int(header.number(8, UInt32.self))
    let capacity = Int(header.number(12, UInt32.self))
    let jointCount = Int(header.number(16, UInt32.self))
    guard jointCount <= JointVector.capacity, recordSize == BlackBox.Layout(jointCount: jointCount).recordSize,
      capacity > 0, bytes.count == BlackBox.Layout.headerSize + capacity * recordSize
    else { throw damaged("its sizes do not fit each other") }
    period = header.number(24, Int64.self)
    process = Int(truncatingIfNeeded: header.number(32, UInt64.self))
    self.jointCount = jointCount
    jointNames = (0..<jointCount).map { joint in
      let start = BlackBox.Layout.nameOffset + joint * BlackBox.Layout.nameSize
      return String(decoding: bytes[start..<start + BlackBox.Layout.nameSize].prefix { $0 != 0 }, as: UTF8.self)
    }
    var records: [BlackBoxRecord] = []
    for slot in 0..<capacity {
      let reader = ByteReader(bytes: bytes, start: BlackBox.Layout.headerSize + slot * recordSize)
      let number = reader.number(0, UInt64.self)
      guard number != 0, number % UInt64(capacity) == UInt64(slot) else { continue }
      if let record = BlackBoxRecord(reader, jointCount: jointCount) { records.append(record) }
    }
    self.records = records.sorted { $0.number < $1.number }
  }

  private static func contents(_ path: String) throws(BlackBoxError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let code = errno
      if let target = linkTarget(path), target.hasPrefix(BlackBoxKeeper.memoryFolder + "/") {
        throw BlackBoxError(
          "\(path): the ticks were in memory (\(target)), and are lost since the machine was switched off; "
            + "the log has what it had to say until then")
      }
      throw BlackBoxError("\(path): cannot be read (errno \(code)); check the path and its permissions")
    }
    defer { close(descriptor) }
    return try contents(descriptor, path: path)
  }

  /// What a symbolic link says; nil for what is none.
  static func linkTarget(_ path: String) -> String? {
    var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = bytes.withUnsafeMutableBytes { buffer in
      buffer.withMemoryRebound(to: CChar.self) { $0.baseAddress.map { readlink(path, $0, Int(PATH_MAX)) } ?? -1 }
    }
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }

  /// All bytes of an open file from its beginning.
  static func contents(_ descriptor: Int32, path: String) throws(BlackBoxError) -> [UInt8] {
    lseek(descriptor, 0, SEEK_SET)
    // Far more than sixteen joints need for minutes.
    let most = 1 << 28
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= most {
      let count = read(descriptor, &chunk, chunk.count)
      guard count >= 0 else { throw BlackBoxError("\(path): cannot be read (errno \(errno)); give a file") }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[0..<count])
    }
    throw BlackBoxError("\(path): too long for a black box; give a file that a run has left")
  }
}

/// Numbers at offsets in bytes that may hold anything.
private struct ByteReader {
  let bytes: [UInt8]
  let start: Int

  func number<Number: FixedWidthInteger>(_ offset: Int, _ type: Number.Type) -> Number {
    bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start + offset, as: Number.self) }
  }
  func byte(_ offset: Int) -> UInt8 { bytes[start + offset] }
}

extension BlackBoxRecord {
  /// A record, unless its state is none that there is.
  fileprivate init?(_ reader: ByteReader, jointCount: Int) {
    guard let state = SafetyState(rawValue: reader.byte(56)), let source = CommandSource(rawValue: reader.byte(57)),
      let stopClass = StopClass(rawValue: reader.byte(58)), let power = PowerRequest(rawValue: reader.byte(60)),
      let refusal = RefusalReason(rawValue: reader.byte(62)), let armPower = ArmPower(rawValue: reader.byte(64))
    else { return nil }
    func vector(_ index: Int) -> [Double] {
      let offset = BlackBox.Layout(jointCount: jointCount).offset(vector: index)
      return (0..<jointCount).map { Double(bitPattern: reader.number(offset + 8 * $0, UInt64.self)) }
    }
    number = reader.number(0, UInt64.self)
    now = reader.number(8, Int64.self)
    lateness = reader.number(16, Int64.self)
    sincePrevious = reader.number(24, Int64.self)
    self.state = state
    self.source = source
    self.stopClass = stopClass
    active = ConditionSet(rawValue: reader.number(32, UInt64.self))
    latched = ConditionSet(rawValue: reader.number(40, UInt64.self))
    let masks = BlackBox.Layout(jointCount: jointCount).maskOffset
    conditionJoints = Dictionary(
      uniqueKeysWithValues: Condition.allCases.map { ($0, reader.number(masks + 2 * Int($0.rawValue), UInt16.self)) })
    requests = OperatorRequests(rawValue: reader.number(48, UInt16.self))
    remoteRequests = OperatorRequests(rawValue: reader.number(50, UInt16.self))
    refused = OperatorRequests(rawValue: reader.number(52, UInt16.self))
    self.refusal = refusal
    alterations = Alterations(rawValue: reader.byte(59))
    notices = Notices(rawValue: reader.byte(61))
    self.power = power
    self.armPower = armPower
    torqueShare = Double(bitPattern: reader.number(72, UInt64.self))
    faults = JointFaults(rawValue: reader.byte(65))
    let flags = reader.byte(63)
    writes = flags & 1 != 0
    readSucceeded = flags & 2 != 0
    writeFailed = flags & 4 != 0
    var person = OperatorState()
    person.isPresent = flags & 8 != 0
    person.enableIsHeld = flags & 16 != 0
    person.sticksAreNeutral = flags & 32 != 0
    person.stopIsPressed = flags & 64 != 0
    self.person = person
    externalStop = flags & 128 != 0
    position = vector(0)
    velocity = vector(1)
    effort = vector(2)
    policy = vector(3)
    human = vector(4)
    command = vector(5)
  }
}
