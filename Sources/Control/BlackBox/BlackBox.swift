import ArmModel
import Glibc
import Safety
import Synchronization

/// The last seconds of states, proposals, decisions and timings, in a ring of fixed records in a mapped file.
///
/// The kernel keeps what was written to the map when the process dies, however it dies: the file is then read by whoever
/// comes next (`BlackBoxFile`). Put it on a file system in memory (`/dev/shm`), where writing never waits for a disk, and
/// copy it beside the log after a fault: that is what a `BlackBoxKeeper` is for. A fault freezes the ring after the record
/// that shows it; a reset lets it go on. Before the first record it holds nothing. `note` is real-time safe: every page is
/// touched at start.
public struct BlackBox: ~Copyable {
  /// How the records lie in the file; numbers are little-endian as on every machine that this runs on.
  struct Layout: BitwiseCopyable {
    let jointCount: Int

    static var magic: UInt64 { @_noLocks get { 0x3242_4257_454e_4953 } }
    static var headerSize: Int { @_noLocks get { 4096 } }
    /// Offsets of the number of faults that have frozen the ring, and of whether one does now: the control thread's.
    static var faultsOffset: Int { @_noLocks get { 40 } }
    static var frozenOffset: Int { @_noLocks get { 48 } }
    /// Offsets of how many of these faults were copied beside the log, of whether a person was told of the file where it
    /// lies, and of the place beside the log with its length: the keeper's.
    static var savedOffset: Int { 56 }
    static var toldOffset: Int { 52 }
    static var placeOffset: Int { 2048 }
    static var mostPlaceBytes: Int { headerSize - placeOffset - 2 }
    /// Offset of the first vector, and how many there are: position, velocity, effort, policy, person, command.
    static var vectorOffset: Int { @_noLocks get { 80 } }
    static var vectorCount: Int { @_noLocks get { 6 } }

    /// Where the joints' names stand in the header, the bytes of each, and behind the vectors the joints that each
    /// condition is about.
    static var nameOffset: Int { @_noLocks get { 64 } }
    static var nameSize: Int { @_noLocks get { 64 } }
    static var conditionCount: Int { @_noLocks get { 40 } }
    var maskOffset: Int { @_noLocks get { offset(vector: Layout.vectorCount) } }

    /// Bytes per record, a whole number of cache lines.
    var recordSize: Int { @_noLocks get { (maskOffset + 2 * Layout.conditionCount + 63) / 64 * 64 } }
    @_noLocks
    func offset(vector: Int) -> Int { Layout.vectorOffset + vector * 8 * jointCount }
  }

  private let memory: UnsafeMutableRawPointer
  private let size: Int
  private let capacity: UInt64
  private let layout: Layout
  private var next: UInt64 = 1
  /// Whether a fault has stopped the ring.
  public private(set) var isFrozen = false
  private var wasLatched = false
  private var faultCount: UInt64 = 0

  /// Makes or replaces the file, for `seconds` of ticks of `period` ns. `jointNames` are kept for the reader, up to 64 bytes
  /// each.
  ///
  /// - Throws: `BlackBoxError` when the file cannot be made or mapped.
  public init(
    path: String, seconds: Double = 2, period: Int64, jointCount: Int, jointNames: [String] = []
  ) throws(BlackBoxError) {
    // A file that somebody still reads stays theirs.
    unlink(path)
    let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw BlackBoxError("\(path): cannot be made (errno \(errno)); choose another place") }
    defer { close(descriptor) }
    do throws(BlackBoxError) {
      try self.init(
        descriptor, path: path, seconds: seconds, period: period, jointCount: jointCount, jointNames: jointNames)
    } catch {
      unlink(path)
      throw error
    }
  }

  /// Lays a box out in a new and empty file, which stays the caller's; `path` only names it.
  ///
  /// - Throws: `BlackBoxError` when its bytes cannot be had or mapped.
  init(
    _ descriptor: Int32, path: String, seconds: Double, period: Int64, jointCount: Int, jointNames: [String]
  ) throws(BlackBoxError) {
    precondition(period > 0 && seconds > 0 && jointCount >= 0 && jointCount <= JointVector.capacity)
    layout = Layout(jointCount: jointCount)
    capacity = UInt64(max(1, (seconds * 1e9 / Double(period)).rounded(.up)))
    size = Layout.headerSize + Int(capacity) * layout.recordSize
    // Real blocks, not holes: a full disk shows now and not as a fatal signal in the loop.
    let status = posix_fallocate(descriptor, 0, off_t(size))
    guard status == 0 else {
      throw BlackBoxError("\(path): \(size) bytes cannot be had (errno \(status)); make room or choose another place")
    }
    guard let map = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), map != MAP_FAILED else {
      throw BlackBoxError("\(path): cannot be mapped (errno \(errno)); choose another place")
    }
    memory = map
    memset(memory, 0, size)
    memory.storeBytes(of: UInt32(layout.recordSize), toByteOffset: 8, as: UInt32.self)
    memory.storeBytes(of: UInt32(capacity), toByteOffset: 12, as: UInt32.self)
    memory.storeBytes(of: UInt32(jointCount), toByteOffset: 16, as: UInt32.self)
    memory.storeBytes(of: period, toByteOffset: 24, as: Int64.self)
    memory.storeBytes(of: UInt64(getpid()), toByteOffset: 32, as: UInt64.self)
    for (joint, name) in jointNames.prefix(jointCount).enumerated() {
      for (place, byte) in name.utf8.prefix(Layout.nameSize).enumerated() {
        memory.storeBytes(of: byte, toByteOffset: Layout.nameOffset + joint * Layout.nameSize + place, as: UInt8.self)
      }
    }
    memory.storeBytes(of: Layout.magic, as: UInt64.self)
  }

  deinit { munmap(memory, size) }

  /// Notes one tick, unless a fault has stopped the ring.
  @_noLocks
  public mutating func note(_ inputs: SafetyInputs, _ decision: Decision, now: Int64) {
    let isLatched = decision.latched.rawValue != 0
    if isFrozen {
      if isLatched { return }
      isFrozen = false
      memory.storeBytes(of: 0, toByteOffset: Layout.frozenOffset, as: UInt32.self)
    }
    let record = memory + BlackBox.Layout.headerSize + Int(next % capacity) * layout.recordSize
    // A record with number 0 is being written: the reader leaves it out.
    record.storeBytes(of: 0, as: UInt64.self)
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    write(inputs, decision, now: now, to: record)
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    record.storeBytes(of: next, as: UInt64.self)
    next &+= 1
    if isLatched && !wasLatched { freeze() }
    wasLatched = isLatched
  }

  /// Stops the ring: what it holds now is what led to a fault.
  @_noLocks
  private mutating func freeze() {
    isFrozen = true
    faultCount &+= 1
    memory.storeBytes(of: 1, toByteOffset: Layout.frozenOffset, as: UInt32.self)
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    memory.storeBytes(of: faultCount, toByteOffset: Layout.faultsOffset, as: UInt64.self)
  }

  @_noLocks
  private func write(_ inputs: SafetyInputs, _ decision: Decision, now: Int64, to record: UnsafeMutableRawPointer) {
    record.storeBytes(of: now, toByteOffset: 8, as: Int64.self)
    record.storeBytes(of: inputs.lateness, toByteOffset: 16, as: Int64.self)
    record.storeBytes(of: inputs.sincePrevious, toByteOffset: 24, as: Int64.self)
    record.storeBytes(of: decision.active.rawValue, toByteOffset: 32, as: UInt64.self)
    record.storeBytes(of: decision.latched.rawValue, toByteOffset: 40, as: UInt64.self)
    record.storeBytes(of: inputs.requests.rawValue, toByteOffset: 48, as: UInt16.self)
    record.storeBytes(of: inputs.remoteRequests.rawValue, toByteOffset: 50, as: UInt16.self)
    record.storeBytes(of: decision.refused.rawValue, toByteOffset: 52, as: UInt16.self)
    record.storeBytes(of: decision.alteredJoints, toByteOffset: 54, as: UInt16.self)
    record.storeBytes(of: decision.state.rawValue, toByteOffset: 56, as: UInt8.self)
    record.storeBytes(of: decision.source.rawValue, toByteOffset: 57, as: UInt8.self)
    record.storeBytes(of: decision.stopClass.rawValue, toByteOffset: 58, as: UInt8.self)
    record.storeBytes(of: decision.alterations.rawValue, toByteOffset: 59, as: UInt8.self)
    record.storeBytes(of: decision.power.rawValue, toByteOffset: 60, as: UInt8.self)
    record.storeBytes(of: decision.notices.rawValue, toByteOffset: 61, as: UInt8.self)
    record.storeBytes(of: decision.refusal.rawValue, toByteOffset: 62, as: UInt8.self)
    record.storeBytes(of: flags(inputs, decision), toByteOffset: 63, as: UInt8.self)
    record.storeBytes(of: inputs.power.rawValue, toByteOffset: 64, as: UInt8.self)
    record.storeBytes(of: inputs.health.faults.rawValue, toByteOffset: 65, as: UInt8.self)
    record.storeBytes(of: decision.torqueShare, toByteOffset: 72, as: Double.self)
    write(inputs.joints.position, vector: 0, to: record)
    write(inputs.joints.velocity, vector: 1, to: record)
    write(inputs.joints.effort, vector: 2, to: record)
    write(inputs.proposal.source == .none ? nil : inputs.proposal.goal, vector: 3, to: record)
    write(inputs.personProposal.source == .none ? nil : inputs.personProposal.goal, vector: 4, to: record)
    write(decision.command.goal, vector: 5, to: record)
    for bit in 0..<BlackBox.Layout.conditionCount {
      record.storeBytes(
        of: decision.joints.mask(ofBit: bit), toByteOffset: layout.maskOffset + 2 * bit, as: UInt16.self)
    }
  }

  @_noLocks
  private func flags(_ inputs: SafetyInputs, _ decision: Decision) -> UInt8 {
    (decision.writes ? 1 : 0) | (inputs.readSucceeded ? 2 : 0) | (inputs.writeFailed ? 4 : 0)
      | (inputs.person.isPresent ? 8 : 0) | (inputs.person.enableIsHeld ? 16 : 0)
      | (inputs.person.sticksAreNeutral ? 32 : 0) | (inputs.person.stopIsPressed ? 64 : 0)
      | (inputs.externalStop ? 128 : 0)
  }

  /// One number per joint; what is not there is not a number.
  @_noLocks
  private func write(_ values: JointVector?, vector: Int, to record: UnsafeMutableRawPointer) {
    let start = layout.offset(vector: vector)
    for joint in 0..<layout.jointCount {
      var value = Double.nan
      if let values, joint < values.count { value = values[joint] }
      record.storeBytes(of: value, toByteOffset: start + 8 * joint, as: Double.self)
    }
  }
}

/// Why a black box cannot be made or read: one line with the file and what to do.
public struct BlackBoxError: Error, CustomStringConvertible, Sendable {
  public let description: String
  init(_ description: String) { self.description = description }
}
