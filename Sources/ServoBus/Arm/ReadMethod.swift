import CSystem

/// How an arm's servos are read in every cycle: found out once, by trying.
struct ReadMethod: Sendable {
  var layout: ArmLayout
  var method: CyclePlan.Method
  /// Where DYNAMIXEL's indirect data begin; nil where they are not used.
  var indirect: (data: Int, count: Int)?

  /// Tries indirect addresses and the fast read where the protocol has them; falls back and says so.
  static func choose(
    _ master: inout BusMaster, _ images: [ServoImage], notes: inout [String]
  ) throws(ServoArmError) -> ReadMethod {
    let wire = master.wire
    guard wire == .dynamixel2 else {
      return ReadMethod(
        layout: ArmLayout(wire, indirect: nil), method: wire.hasSyncRead ? .sync : .single, indirect: nil)
    }
    let indirect = try layOut(&master, images, notes: &notes)
    let layout = ArmLayout(wire, indirect: indirect)
    let plan = layout.plan(ids: images.map(\.expected.id), method: .fast)
    let isFast = try ArmExamination.onBus { () throws(BusError) in try master.probeFastRead(plan) }
    if !isFast { notes.append("fast sync read is not answered by all servos; they are read with the plain sync read") }
    return ReadMethod(layout: layout, method: isFast ? .fast : .sync, indirect: indirect)
  }

  /// Where a model's indirect data may be. XL330: control table of the e-Manual, and another in newer model files, so
  /// both are tried.
  private static func candidates(_ model: ServoModel) -> [(data: Int, count: Int)] {
    model.name.hasPrefix("xl330") ? [(208, 20), (224, 20)] : [(224, 28)]
  }

  /// The addresses that the block strings together, as the registers take them.
  static var mapping: [UInt8] {
    ArmLayout.indirectSources.flatMap { source in
      (source.address..<(source.address + source.count)).flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    }
  }

  /// Points the servos' indirect addresses at what a cycle reads, reads them back and tries the block. Nil, with a note,
  /// where a servo will not, or where the models have their data at different places.
  private static func layOut(
    _ master: inout BusMaster, _ images: [ServoImage], notes: inout [String]
  ) throws(ServoArmError) -> (data: Int, count: Int)? {
    let reason: String
    let shared = candidates(images[0].expected.model).filter { place in
      images.allSatisfy { image in candidates(image.expected.model).contains { $0 == place } }
    }
    if shared.isEmpty {
      reason = "the models have their indirect data at different addresses"
    } else {
      for image in images { try write(&master, image.expected.id) }
      for place in shared {
        var stands = true
        for image in images where stands { stands = try isLaidOut(&master, image, place) }
        if stands { return place }
      }
      reason = "not every servo takes indirect addresses"
    }
    notes.append("torque and errors are read beside the cycle: \(reason)")
    return nil
  }

  private static func write(_ master: inout BusMaster, _ id: UInt8) throws(ServoArmError) {
    let deadline = sinew_now_ns() + 100_000_000
    do throws(TransportError) {
      try mapping.withUnsafeBufferPointer { (bytes) throws(TransportError) in
        guard let start = bytes.baseAddress else { return }
        var id = id
        try master.writeGroup(
          ids: &id, count: 1, address: ServoArm.indirectAddress, length: bytes.count, data: start, deadline: deadline)
      }
    } catch { throw ServoArmError(.transport(error, at: master.portName)) }
  }

  private static func isLaidOut(
    _ master: inout BusMaster, _ image: ServoImage, _ place: (data: Int, count: Int)
  ) throws(ServoArmError) -> Bool {
    let id = image.expected.id
    for _ in 0..<3 {
      do throws(BusError) {
        if try master.read(id, address: ServoArm.indirectAddress, count: mapping.count) == mapping { break }
      } catch {
        if error.kind == .refused || error.kind == .noAnswer { return false }
        throw ServoArmError(error)
      }
      try write(&master, id)
    }
    do throws(BusError) {
      guard try master.read(id, address: ServoArm.indirectAddress, count: mapping.count) == mapping else {
        return false
      }
      let block = ArmLayout(.dynamixel2, indirect: place).block
      let bytes = try master.read(id, address: place.data, count: block.length)
      let temperature = Double(bytes[block.temperature])
      return Int(bytes[block.mark]) == image.value("status_return_level") && bytes[block.mark] != 0
        && (bytes[block.torque] == 1) == image.isTorqueOn
        && bytes[block.errors] == image.errorBits && (temperature - image.temperature).magnitude <= 3
    } catch {
      if error.kind == .refused || error.kind == .noAnswer { return false }
      throw ServoArmError(error)
    }
  }
}
