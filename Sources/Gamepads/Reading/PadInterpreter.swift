import ArmModel
import CEvdev

/// Turns the events of one pad, from its appearance to its end, into the operator's input. No device, no clock: a state
/// machine that is fed with events and times.
///
/// Before the first event of an axis its value is unknown and the sticks read 0: a fresh pad shows 0 everywhere, which
/// on an axis from 0 to 255 is a stick at its end. Buttons that are down at the start count as stuck: `stop` acts, `enable`
/// must be let go and pressed anew. Events act at the report that closes their frame.
public struct PadInterpreter: Sendable {
  /// How the pad is connected and watched.
  public struct Link: Sendable, Equatable {
    public var isWireless: Bool
    /// Whether the pad sends a steady stream, see `heard`.
    public var hasHeartbeat: Bool
    public init(isWireless: Bool, hasHeartbeat: Bool = false) {
      self.isWireless = isWireless
      self.hasHeartbeat = hasHeartbeat
    }
    /// How long the pad may say nothing while the enable is held, ns; nil for ever. A cable that is pulled is seen at
    /// once; out of reach, a wireless pad keeps its last values for some 20 s. Without a heartbeat silence may also be a
    /// steady hand, hence the longer time.
    public var patience: Int64? { isWireless ? (hasHeartbeat ? 250_000_000 : 3_000_000_000) : nil }
  }

  /// How long an axis must rest for its centre to be learned, ns.
  static let restTime: Int64 = 500_000_000
  /// A frame longer than this is taken in parts: no pad sends such a one, and memory stays bounded.
  static let longestFrame = 256

  let mapping: PadMapping
  let layout: OperatorLayout
  let link: Link
  var axes: AxisState
  private var keys: [Bool]
  private var pending: [PadEvent] = []
  /// Controls that are pressed rather than deflected, and the codes they come from.
  private let buttons: [PadControl]
  private let buttonSources: Set<UInt32>
  private var down: Set<PadControl>
  /// The roles that are held, `enable` whether it may be trusted or not.
  private var held = OperatorButtons.none
  private var result: OperatorInput
  private var isEnableTrusted = false
  private var isLosing = false
  private var lastHeard: Int64
  /// Events taken so far, without the reports that close frames.
  public private(set) var eventCount = 0

  /// A pad that has just been opened. `keysDown` and `axisValues` are what the kernel holds for it; `previous` is the
  /// input so far, whose press counts go on.
  public init(
    mapping: PadMapping, layout: OperatorLayout, capabilities: PadCapabilities, keysDown: Set<UInt16>,
    axisValues: [UInt16: Int32], link: Link, previous: OperatorInput = OperatorInput(), now: Int64
  ) {
    self.mapping = mapping
    self.layout = layout
    self.link = link
    axes = AxisState(mapping: mapping, capabilities: capabilities, values: axisValues, now: now)
    keys = Array(repeating: false, count: Int(KEY_CNT))
    for code in keysDown where Int(code) < keys.count { keys[Int(code)] = true }
    down = []
    buttons = mapping.sources.keys.filter { !$0.isStick }
    buttonSources = Set(mapping.sources.filter { !$0.key.isStick }.values.map(\.number))
    result = OperatorInput()
    result.presses = previous.presses
    result.losses = previous.losses
    result.connection = previous.connection &+ 1
    result.eventStamp = previous.eventStamp
    lastHeard = now
    settle(counting: [])
    publish(now: now)
  }

  /// What the pad says, as of the last event or `tick`.
  public var input: OperatorInput { result }

  /// Takes one event in its turn. Those of a loss of events belong between `beginLoss` and `endLoss`.
  public mutating func take(_ event: PadEvent, now: Int64) {
    lastHeard = now
    if event.type == UInt16(EV_SYN) {
      if event.code == UInt16(SYN_REPORT) { closeFrame(now: now) }
      return
    }
    eventCount += 1
    pending.append(event)
    if pending.count >= Self.longestFrame { closeFrame(now: now) }
  }

  /// Events have been lost: releases may be among them. What was pressed is trusted no more.
  public mutating func beginLoss(now: Int64) {
    pending.removeAll(keepingCapacity: true)
    isLosing = true
    isEnableTrusted = false
    result.losses &+= 1
    result.status = result.status.union(.eventsLost)
    publish(now: now)
  }

  /// The pad's state is known again. The enable needs a new press.
  public mutating func endLoss(now: Int64) {
    closeFrame(now: now)
    isLosing = false
    publish(now: now)
  }

  /// The pad's heartbeat was heard.
  public mutating func heard(now: Int64) { lastHeard = now }

  /// Lets time pass: silence is noticed, resting sticks find their centre.
  public mutating func tick(now: Int64) {
    if let patience = link.patience, isEnableTrusted, now - lastHeard > patience {
      isEnableTrusted = false
      result.status = result.status.union(.silent)
    }
    if !held.has(.enable) { axes.learnCentres(now: now, restTime: Self.restTime) }
    publish(now: now)
  }

  /// The input of a pad that has gone: nobody there, and the counts kept for the next pad.
  public func gone(now: Int64) -> OperatorInput {
    var input = OperatorInput()
    input.presses = result.presses
    input.losses = result.losses
    input.connection = result.connection
    input.eventStamp = result.eventStamp
    input.stamp = now
    return input
  }

  /// What a control reads now, for pictures: sticks -1 … 1 as the device has them (without dead zone, y away from the
  /// person), triggers 0 … 1, buttons 0 or 1.
  public func value(of control: PadControl) -> Double {
    guard let source = mapping.sources[control] else { return 0 }
    switch source {
    case .key(let code): return Int(code) < keys.count && keys[Int(code)] ? 1 : 0
    case .axis(let code, let part, let isInverted):
      return axes.value(of: control, code: code, part: part, isInverted: isInverted)
    }
  }

  /// Whether a button, or a trigger taken for one, is down.
  public func isDown(_ control: PadControl) -> Bool { down.contains(control) }

  /// What is printed on a control of this pad.
  public func label(_ control: PadControl) -> String { mapping.labels.label(control) }

  /// Sticks and triggers that have not reported yet: they must be moved once.
  public var unknownControls: [PadControl] {
    PadControl.allCases.filter { control in
      guard !control.isButton, case .axis(let code, _, _) = mapping.sources[control] else { return false }
      return !axes.isKnown(code)
    }
  }

  // MARK: Frames

  private mutating func closeFrame(now: Int64) {
    guard !pending.isEmpty else {
      publish(now: now)
      return
    }
    var pressed: Set<OperatorRole> = []
    for event in pending {
      if event.type == UInt16(EV_KEY), Int(event.code) < keys.count {
        keys[Int(event.code)] = event.value != 0
      } else if event.type == UInt16(EV_ABS) {
        axes.set(event.code, event.value, now: now)
      } else {
        continue
      }
      if event.stamp > result.eventStamp { result.eventStamp = event.stamp }
      guard buttonSources.contains(UInt32(event.type) << 16 | UInt32(event.code)) else { continue }
      // After each event and not at the frame's end alone: a press and its release may share a frame.
      settle(counting: isLosing ? [.stop, .release] : Set(OperatorRole.allCases), pressed: &pressed)
    }
    pending.removeAll(keepingCapacity: true)
    publish(now: now)
    if pressed.contains(.enable) && isEnableTrusted {
      let atRest = result.status.has(.neutral)
      result.status = atRest ? result.status.union(.neutralAtEnable) : result.status.subtracting(.neutralAtEnable)
    }
  }

  private mutating func settle(counting: Set<OperatorRole>) {
    var pressed: Set<OperatorRole> = []
    settle(counting: counting, pressed: &pressed)
  }

  /// Brings buttons and roles in line with keys and axes; counts the presses of the roles in `counting`.
  private mutating func settle(counting: Set<OperatorRole>, pressed: inout Set<OperatorRole>) {
    let before = down
    for control in buttons {
      let value = value(of: control)
      // Two thresholds, so that a trigger that hovers does not chatter.
      if value >= 0.6 { down.insert(control) } else if value <= 0.4 { down.remove(control) }
    }
    guard down != before else { return }
    let heldBefore = held
    held = levels(before: heldBefore, newlyDown: down.subtracting(before))
    if !held.has(.enable) { isEnableTrusted = false }
    for role in OperatorRole.allCases where held.has(role) && !heldBefore.has(role) && counting.contains(role) {
      result.presses[Int(role.rawValue)] &+= 1
      pressed.insert(role)
      if role == .enable {
        isEnableTrusted = true
        result.status = result.status.subtracting([.eventsLost, .silent])
      }
    }
  }

  /// The roles that are held, `enable` by its button alone.
  private func levels(before: OperatorButtons, newlyDown: Set<PadControl>) -> OperatorButtons {
    let isShifted = down.contains(layout.shift)
    var held = OperatorButtons.none
    for (role, press) in layout.presses where down.contains(press.control) {
      let isHeld =
        switch role {
        // Whatever else is held, and in whichever order a chord's buttons come.
        case .enable, .stop: true
        case .release: !press.isShifted || isShifted
        // What a press means is settled when it begins: the shift control comes first.
        default: before.has(role) || (newlyDown.contains(press.control) && press.isShifted == isShifted)
        }
      if isHeld { held = held.adding(role) }
    }
    return held
  }

  // MARK: The input

  private mutating func publish(now: Int64) {
    let isKnown = axes.areAllKnown
    result.stamp = now
    var left = (x: 0.0, y: 0.0)
    var right = (x: 0.0, y: 0.0)
    var gripper = 0.0
    if isKnown && !isLosing {
      left = stick(.leftX, .leftY)
      right = stick(.rightX, .rightY)
      gripper = trigger(layout.gripperClose) - trigger(layout.gripperOpen)
    }
    (result.leftX, result.leftY) = (left.x, left.y)
    (result.rightX, result.rightY) = (right.x, right.y)
    result.gripper = gripper
    let isNeutral =
      isKnown && !isLosing && left == (0, 0) && right == (0, 0) && trigger(layout.gripperOpen) == 0
      && trigger(layout.gripperClose) == 0
    var status = result.status.intersection([.eventsLost, .silent, .neutralAtEnable]).union(.present)
    if isKnown { status.insert(.known) }
    if isNeutral { status.insert(.neutral) }
    if held.has(.enable) { status.insert(.enableIsDown) }
    if link.isWireless { status.insert(.wireless) }
    if link.hasHeartbeat { status.insert(.heartbeat) }
    result.status = status
    result.held = isEnableTrusted ? held : held.subtracting(OperatorButtons(.enable))
  }

  private func stick(_ x: PadControl, _ y: PadControl) -> (x: Double, y: Double) {
    let radius = max(DeadZone.stick, axes.flat(of: mapping.sources[x]), axes.flat(of: mapping.sources[y]))
    return DeadZone.radial(x: value(of: x), y: value(of: y), radius: radius)
  }

  private func trigger(_ control: PadControl) -> Double {
    guard control.isTrigger else { return value(of: control) }
    return DeadZone.linear(
      value(of: control), width: max(DeadZone.trigger, axes.flatOfTrigger(mapping.sources[control])))
  }
}
