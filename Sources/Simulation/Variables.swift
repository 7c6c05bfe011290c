import CMuJoCo
import Numerics

/// What a task's variable (a target, say) is in the model.
public enum VariableBinding: Sendable, Equatable {
  /// One to three scene joints, by name, that take x, y, z.
  case joints([String])
  /// A mocap body, by name, that is put at x, y, z (metres, world frame).
  case mocapBody(String)
}

/// The bound variables of one set of data: where each goes, and its current value. Room for eight.
struct VariableTable: ~Copyable {
  static var capacity: Int { 8 }

  private struct Entry: BitwiseCopyable {
    /// Addresses in qpos and qvel for joints, -1 where unused; the mocap index in `mocap`, -1 for joints.
    var position = (-1, -1, -1)
    var velocity = (-1, -1, -1)
    var mocap = -1
    var value = Vector3.zero
    /// Until then the model's own reference counts.
    var isSet = false
  }

  private let entries: UnsafeMutablePointer<Entry>
  private(set) var count = 0

  init() {
    entries = .allocate(capacity: VariableTable.capacity)
    entries.initialize(repeating: Entry(), count: VariableTable.capacity)
  }

  deinit { entries.deallocate() }

  /// Adds a variable; its index is its place in the order of binding.
  mutating func bind(_ binding: VariableBinding, in model: PhysicsModel) throws(SimulationError) -> Int {
    guard count < VariableTable.capacity else {
      throw SimulationError(.unknownName, "a task has at most \(VariableTable.capacity) variables")
    }
    var entry = Entry()
    switch binding {
    case .joints(let names):
      guard (1...3).contains(names.count) else {
        throw SimulationError(
          .unknownName, file: model.path, "a variable is bound to 1 to 3 joints, not \(names.count)")
      }
      let joints = try JointSelection.joints(names, of: model, driven: false)
      let m = model.pointer.pointee
      let position = joints.map { Int(m.jnt_qposadr[$0.index]) } + [-1, -1]
      let velocity = joints.map { Int(m.jnt_dofadr[$0.index]) } + [-1, -1]
      entry.position = (position[0], position[1], position[2])
      entry.velocity = (velocity[0], velocity[1], velocity[2])
    case .mocapBody(let name):
      let m = model.pointer.pointee
      let mocap = model.bodies.indices.filter { m.body_mocapid[$0] >= 0 }
      guard let body = mocap.first(where: { model.bodies[$0] == name }) else {
        let names = mocap.map { model.bodies[$0] }
        throw SimulationError(
          .unknownName, file: model.path,
          "no mocap body named '\(name)'" + Naming.suggestion(name, in: names) + "; there are: \(Naming.list(names))")
      }
      entry.mocap = Int(m.body_mocapid[body])
    }
    entries[count] = entry
    count += 1
    return count - 1
  }

  @_noLocks
  mutating func set(_ index: Int, _ value: Vector3) {
    precondition(index >= 0 && index < count, "variable index out of range")
    entries[index].value = value
    entries[index].isSet = true
  }

  /// Writes every value that was set into the data; joints stand still.
  @_noLocks
  func apply(to data: UnsafeMutablePointer<mjData>) {
    for index in 0..<count where entries[index].isSet {
      let entry = entries[index]
      if entry.mocap >= 0 {
        data.pointee.mocap_pos[3 * entry.mocap] = entry.value.x
        data.pointee.mocap_pos[3 * entry.mocap + 1] = entry.value.y
        data.pointee.mocap_pos[3 * entry.mocap + 2] = entry.value.z
      } else {
        place(entry.position.0, entry.velocity.0, entry.value.x, data)
        place(entry.position.1, entry.velocity.1, entry.value.y, data)
        place(entry.position.2, entry.velocity.2, entry.value.z, data)
      }
    }
  }

  @_noLocks
  private func place(_ position: Int, _ velocity: Int, _ value: Double, _ data: UnsafeMutablePointer<mjData>) {
    guard position >= 0 else { return }
    data.pointee.qpos[position] = value
    data.pointee.qvel[velocity] = 0
  }
}
