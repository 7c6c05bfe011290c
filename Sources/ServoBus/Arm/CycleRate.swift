/// How often a second an arm's cycle fits the bus: arithmetic over bytes, speed, delays and the measured latency.
struct CycleRate {
  var sentBytes: Int
  var receivedBytes: Int
  /// Hz.
  var hertz: Double
  private var baud: Int
  private var latency: Int64
  private var answers: Int
  private var returnDelay: Int64

  /// One tick: the goals' sync write, the read of all servos, and where there is one the watch beside it.
  init(_ arm: ArmDescription, _ reading: ReadMethod, latency: Int64, timing: BusTiming) {
    let layout = reading.layout
    let ids = arm.servos.map(\.id)
    let isSecond = arm.wire == .dynamixel2
    let frame = isSecond ? 14 : 8
    let goals = frame + arm.jointCount * (layout.goalCodec.width + 1)
    let (request, answer) = layout.plan(ids: ids, method: reading.method).bytes(on: arm.wire)
    sentBytes = goals + request
    receivedBytes = answer
    let answers = reading.method == .fast ? 1 : ids.count
    var time = timing.bus(request: sentBytes, answers: answers, answerBytes: receivedBytes)
    var roundTrips = Int64(reading.method == .single ? ids.count : 1)
    if layout.watch.length > 0 {
      let length = layout.watch.length + layout.watchVariants - 1
      time += timing.bus(
        request: frame + ids.count, answers: ids.count, answerBytes: ids.count * arm.wire.answerBytes(data: length))
      roundTrips += 1
    }
    hertz = 1e9 / Double(time + roundTrips * latency)
    baud = timing.baud
    self.latency = latency
    self.answers = answers
    returnDelay = timing.returnDelay
  }

  /// Refuses a control rate that the bus does not carry. `adaptorLatency`: the adaptor's timer, ns; nil where it has none.
  func check(_ arm: ArmDescription, _ images: [ServoImage], adaptorLatency: Int64?) throws(ServoArmError) {
    let wanted = 1e9 / Double(arm.controlPeriod)
    guard wanted > hertz else { return }
    func milliseconds(_ time: Int64) -> String { "\(Double(time / 10_000) / 100) ms" }
    var advice = [arm.proposal(hertz)]
    if returnDelay > 0, let slow = images.first(where: { Int64($0.returnDelay * 1e9) == returnDelay }) {
      let id = slow.expected.id
      advice.append(
        "set return_delay to 0 with 'sinew servo write --protocol \(arm.wire.name) --id \(id) return_delay 0'")
    }
    if let adaptorLatency, adaptorLatency > 1_000_000 { advice.append("lower the adaptor's latency timer to 1 ms") }
    if baud < 1_000_000 { advice.append("raise the bus's speed with 'sinew servo set-baud'") }
    throw ServoArmError(
      .rateTooHigh,
      "\(Int(wanted.rounded())) Hz asked for, this bus carries \(Int(hertz)): \(sentBytes) + \(receivedBytes) bytes at "
        + "\(baud) baud, \(answers) answers after \(milliseconds(returnDelay)) each, round trip \(milliseconds(latency))",
      suggestion: advice.joined(separator: ", or "))
  }
}
