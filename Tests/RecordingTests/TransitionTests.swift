import ArmModel
import Recording
import Testing

@Suite
struct TransitionTests {
  let layout = TransitionLayout(observationCount: 3, actionCount: 1, jointCount: 2, rewardTermCount: 2)

  // Serialised by rosbags 0.11.9 from the field list of `schemaText`.
  let golden = bytes(
    hex: "000100000700000000000000fbffffffffffffff7b14ae47e17a943f03000000310000000000803f0000004000004040cdcccc3d0000"
      + "80bf0000803ecdcc4c3e0000c03f0000c0bf00000040000000c00000003f9a99193f3333333fcdcc4c3f00001041000020410000c0bf"
      + "00008040000040bf000000bf000080be030100010001010003000000000080400000a0400000c040")

  /// A message made in place, in memory that holds something else before.
  private func write(isFinal: Bool, _ body: (TransitionWriter) -> Void) -> [UInt8] {
    var message = [UInt8](repeating: 0xA5, count: 4 + layout.byteCount(isFinal: isFinal))
    message.withUnsafeMutableBytes { memory in
      guard let base = memory.baseAddress else { return }
      body(TransitionWriter(base + 4, layout: layout, isFinal: isFinal))
    }
    return Array(message[4...])
  }

  private func fill(_ writer: TransitionWriter) {
    writer.setStep(7, stamp: -5, duration: 0.02, episode: 3, stepInEpisode: 49)
    writer.setObservation([1, 2, 3] as [Double])
    writer.setAction(mean: [0.1], logStandardDeviation: [-1], raw: [0.25], action: [0.2])
    let command = JointCommand(mode: .effort, goal: JointVector([1.5, -1.5]), stamp: 0)
    writer.setCommand(command, proposal: JointVector([2, -2]), source: .blend)
    var joints = JointState(count: 2)
    joints.position = JointVector([0.5, 0.6])
    joints.velocity = JointVector([0.7, 0.8])
    joints.effort = JointVector([9, 10])
    joints.present = [.position, .velocity, .effort]
    writer.setJoints(joints)
    writer.setLogProbability(-1.5, value: 4)
    writer.setReward(-0.75, terms: [-0.5, -0.25])
    writer.setFlags([.truncated, .altered, .intervention])
  }

  @Test("a transition written in place has the bytes another implementation serialises")
  func goldenBytes() {
    let message = write(isFinal: true) { writer in
      fill(writer)
      writer.setFinalObservation([4, 5, 6])
    }
    #expect(message == golden)
  }

  @Test("a transition reads back by the schema of its log")
  func readsBack() throws {
    let schema = try RosSchema(name: "sinew_msgs/msg/Transition", text: layout.schemaText)
    let decoder = try TransitionDecoder(schema)
    #expect(decoder.layout == layout)
    let transition = try golden.withUnsafeBytes { try decoder.decode($0) }
    #expect(transition.step == 7)
    #expect(transition.stamp == -5)
    #expect(transition.duration == 0.02)
    #expect(transition.episode == 3)
    #expect(transition.stepInEpisode == 49)
    #expect(transition.observation == [1, 2, 3])
    #expect(transition.actionMean == [0.1])
    #expect(transition.actionLogStandardDeviation == [-1])
    #expect(transition.rawAction == [0.25])
    #expect(transition.action == [0.2])
    #expect(transition.command == [1.5, -1.5])
    #expect(transition.proposal == [2, -2])
    #expect(transition.position == [0.5, 0.6])
    #expect(transition.velocity == [0.7, 0.8])
    #expect(transition.effort == [9, 10])
    #expect(transition.logProbability == -1.5)
    #expect(transition.value == 4)
    #expect(transition.reward == -0.75)
    #expect(transition.rewardTerms == [-0.5, -0.25])
    #expect(transition.source == .blend)
    #expect(transition.commandMode == 1)
    #expect(transition.flags == [.truncated, .altered, .intervention])
    #expect(transition.finalObservation == [4, 5, 6])
    // The general decoder, which knows nothing of transitions, agrees.
    let members = try golden.withUnsafeBytes { try schema.decode($0) }
    #expect(members.first { $0.name == "effort" }?.value == .list([.float(9), .float(10)]))
    #expect(members.last == RosMember(name: "final_observation", value: .list([.float(4), .float(5), .float(6)])))
    #expect(schema.constants["SOURCE_BLEND"] == 3)
  }

  @Test("what was not set is NaN or zero, whatever the memory held before")
  func defaults() throws {
    let decoder = try TransitionDecoder(RosSchema(name: "sinew_msgs/msg/Transition", text: layout.schemaText))
    for isFinal in [false, true] {
      let message = write(isFinal: isFinal) { _ in }
      let transition = try message.withUnsafeBytes { try decoder.decode($0) }
      #expect(transition.step == 0 && transition.stamp == 0 && transition.episode == 0)
      #expect(transition.duration.isNaN && transition.reward.isNaN && transition.value.isNaN)
      #expect(transition.observation.allSatisfy { $0.isNaN } && transition.effort.allSatisfy { $0.isNaN })
      #expect(transition.flags == [] && transition.source == .none)
      #expect(transition.finalObservation.count == (isFinal ? 3 : 0))
    }
  }

  @Test(
    "dimensions of every size lie where the schema says", arguments: [(1, 1, 1, 0), (10, 2, 2, 2), (48, 12, 16, 9)])
  func dimensions(o: Int, a: Int, j: Int, r: Int) throws {
    let layout = TransitionLayout(observationCount: o, actionCount: a, jointCount: j, rewardTermCount: r)
    let schema = try RosSchema(name: "sinew_msgs/msg/Transition", text: layout.schemaText)
    #expect(try TransitionDecoder(schema).layout == layout)
    var message = [UInt8](repeating: 0, count: layout.byteCount(isFinal: false))
    message.withUnsafeMutableBytes { memory in
      guard let base = memory.baseAddress else { return }
      TransitionWriter(base, layout: layout, isFinal: false).setFlags([.intervention])
    }
    let members = try message.withUnsafeBytes { try schema.decode($0) }
    #expect(members.first { $0.name == "intervention" }?.value == .boolean(true))
    #expect(members.last?.value == .list([]))
  }

  @Test("a message that is too short, or a schema without the fields, is refused")
  func refused() throws {
    let decoder = try TransitionDecoder(RosSchema(name: "sinew_msgs/msg/Transition", text: layout.schemaText))
    for length in 0..<golden.count - 12 {
      #expect(throws: MessageError.self) { try Array(golden[..<length]).withUnsafeBytes { try decoder.decode($0) } }
    }
    for text in ["float64 x", "float32[2] observation\nfloat32[1] action", "string s", "float32[] observation"] {
      #expect(throws: MessageError.self) { try TransitionDecoder(RosSchema(name: "t", text: text)) }
    }
  }
}
