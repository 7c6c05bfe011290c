/// The board's side of the protocol: takes bytes, inputs and time, and says what to send, what pulses to put out and
/// whether the servos have power.
///
/// Made, it is in BOOT with all outputs off, and leaves it once it knows the e-stop input. It does no I/O and knows no
/// clock: `feed` and `step` get the time in microseconds, which may wrap, and leave in `frame` what is to be sent before
/// the next call. All functions but `init` are real-time safe. The C core in `firmware-protocol/c` behaves the same, bit
/// by bit; the tests compare them.
public struct BoardController: ~Copyable {
  /// Who the board is.
  public let identity: BoardIdentity
  /// What is to be sent, when `feed` or `step` said so.
  public internal(set) var frame = WireFrame()
  public internal(set) var state = WireState.boot
  /// The reason of the latest change of state.
  public internal(set) var cause = WireCause.powerOn

  var receiver = FrameReceiver()
  var body = FrameBody()
  var inputs = BoardInputs()
  var counters = BoardCounters()
  var channels = InlineArray<16, ChannelMotion>(repeating: ChannelMotion())
  var settings: BoardSettings
  var store = SettingsStore()

  /// When the last valid SETPOINT came; in ARMED: when ARM came.
  var aliveUs: UInt32
  /// Time to live of the last SETPOINT.
  var ttlUs: UInt32 = 0
  var nextTickUs: UInt32
  var estopChangedUs: UInt32
  var supplyGoodUs: UInt32
  var stateSentUs: UInt32 = 0
  var isEstopOpenRaw = true
  var isEstopOpen = false
  var inputsAreKnown = false
  var supplyCause: WireCause?

  /// The current session; 0: none.
  var session: UInt16 = 0
  var isArmed = false
  var isResumable = false
  var stateIsDue = false
  var clamped: UInt16 = 0
  var limited: UInt16 = 0
  var setpointSequence: UInt8?
  var lastSequence: UInt8 = 0
  var stateSequence: UInt8 = 0
  var lastRequest: AnsweredRequest?

  /// A board that starts. `load` reads a byte of its configuration store at an address below 1,024.
  public init(identity: BoardIdentity, nowUs: UInt32, load: (_ address: Int) -> UInt8) {
    self.identity = identity
    settings = BoardSettings(channels: identity.channels)
    store.load(&settings, load)
    aliveUs = 0
    nextTickUs = nowUs &+ WireSchema.tickUs
    estopChangedUs = nowUs
    supplyGoodUs = nowUs
  }

  /// Whether pulses are put out and the servos have power.
  public var isEnergised: Bool { @_noLocks get { state == .active || state == .hold } }

  /// The level of the rail-enable pin.
  public var railLevel: Bool {
    @_noLocks get {
      let isActiveLow = settings[global: GlobalSetting.railActiveLow] != 0
      return isEnergised ? !isActiveLow : isActiveLow
    }
  }

  /// The rate of the pulses, Hz.
  public var frameHz: UInt16 { @_noLocks get { settings[global: GlobalSetting.frameHz] } }

  /// Bits of `StateFlags`.
  public var flags: UInt16 {
    @_noLocks get {
      (isArmed ? StateFlags.armed : 0) | (isResumable ? StateFlags.resumable : 0)
        | (isEstopOpen ? StateFlags.estopOpen : 0) | (store.isStored ? StateFlags.stored : 0)
        | (store.isUnsaved ? StateFlags.unsaved : 0) | (store.isStoring ? StateFlags.storing : 0)
        | (isEnergised ? StateFlags.rail : 0)
    }
  }

  /// Takes one byte from the host. True when `frame` is to be sent.
  @_noLocks
  public mutating func feed(_ byte: UInt8, nowUs: UInt32) -> Bool {
    switch receiver.take(byte) {
    case .nothing: break
    case .frame:
      counters.frames &+= 1
      guardTime(nowUs)  // a message that comes too late is too late, whenever the last step was
      return handle(nowUs)
    case .wrongCRC: BoardCounters.count(&counters.crc)
    case .brokenFrame: BoardCounters.count(&counters.framing)
    case .tooLong: BoardCounters.count(&counters.oversize)
    }
    return false
  }

  /// The hardware lost bytes: what comes before the next zero is no frame.
  @_noLocks
  public mutating func bytesWereLost() {
    BoardCounters.count(&counters.overrun)
    receiver.bytesWereLost()
  }

  /// Takes the inputs and lets time pass; to be called at least once a millisecond. True when `frame` is to be sent.
  @_noLocks
  public mutating func step(_ inputs: BoardInputs, nowUs: UInt32) -> Bool {
    self.inputs = inputs
    if inputs.feedback.count != identity.channels { self.inputs.feedback = UInt16List() }
    watchEstop(nowUs)
    watchFaults(nowUs)
    guardTime(nowUs)
    tick(nowUs)

    if let code = store.takeResult(), var request = lastRequest, request.isPending {
      request.isPending = false
      request.code = code
      lastRequest = request
      return sendResult(request.type, request.sequence, code, 0)
    }
    let period = UInt32(settings[global: GlobalSetting.statePeriodMs]) * 1000
    let isDue = stateIsDue || (period != 0 && nowUs &- stateSentUs >= period)
    stateIsDue = false
    guard isDue && session != 0 else { return false }
    return sendTelemetry(nowUs)
  }

  /// The only way from state to state.
  @_noLocks
  mutating func enter(_ next: WireState, _ why: WireCause) {
    if next == .hold { brakeChannels() }
    if next == .armed { prepareChannels() }
    state = next
    cause = why
    if next == .armed {
      isArmed = true
    } else if !isEnergised {
      isArmed = false
    }
    isResumable = false
    stateIsDue = true
  }
}
