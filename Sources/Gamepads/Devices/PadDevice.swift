import CEvdev
import CSystem
import Glibc

/// Owns one opened input device; closes it in the end.
///
/// Reading never waits. The kernel forgets what was pressed when a device goes: nothing here remembers it either.
struct PadDevice: ~Copyable {
  /// What one look at the device gave.
  enum Reading {
    case event(PadEvent)
    /// The kernel has thrown events away: read with `resynchronise` until it gives nothing.
    case lost
    case nothing
    /// The device is gone, by the system's error number.
    case gone(Int32)
  }

  let descriptor: Int32
  private let device: OpaquePointer
  let identity: PadIdentity
  let capabilities: PadCapabilities
  /// Whether events carry monotonic times; otherwise the time of reading stands in.
  let hasMonotonicStamps: Bool
  /// Whether the device may be written to, for rumble.
  let isWritable: Bool

  /// Opens a device. With `grabbing` no other program sees its events.
  init(path: String, grabbing: Bool = false) throws(GamepadError) {
    var isWritable = true
    var descriptor = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
    if descriptor < 0 && (errno == EACCES || errno == EPERM || errno == EROFS) {
      isWritable = false
      descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    }
    guard descriptor >= 0 else { throw GamepadError.refused(path, errno) }
    var pointer: OpaquePointer?
    let status = libevdev_new_from_fd(descriptor, &pointer)
    guard status == 0, let device = pointer else {
      close(descriptor)
      throw status == -ENOTTY || status == -EINVAL
        ? GamepadError(
          .notAGamepad, path: path, "this is no input device", suggestion: "look for pads with 'sinew gamepad list'")
        : GamepadError.refused(path, -status)
    }
    if grabbing {
      let status = libevdev_grab(device, LIBEVDEV_GRAB)
      guard status == 0 else {
        libevdev_free(device)
        close(descriptor)
        throw GamepadError.refused(path, -status)
      }
    }
    hasMonotonicStamps = libevdev_set_clock_id(device, CLOCK_MONOTONIC) == 0
    self.descriptor = descriptor
    self.device = device
    self.isWritable = isWritable
    identity = Self.identity(device, path: path)
    capabilities = Self.capabilities(device)
  }

  deinit {
    libevdev_free(device)
    close(descriptor)
  }

  /// The next event.
  func read(now: Int64) -> Reading {
    var event = input_event()
    let status = libevdev_next_event(device, UInt32(LIBEVDEV_READ_FLAG_NORMAL.rawValue), &event)
    if status == LIBEVDEV_READ_STATUS_SUCCESS.rawValue { return .event(converted(event, now: now)) }
    if status == LIBEVDEV_READ_STATUS_SYNC.rawValue { return .lost }
    return status == -EAGAIN || status == -EINTR ? .nothing : .gone(-status)
  }

  /// The next of the changes that were lost, as far as they still show.
  func resynchronise(now: Int64) -> Reading {
    var event = input_event()
    let status = libevdev_next_event(device, UInt32(LIBEVDEV_READ_FLAG_SYNC.rawValue), &event)
    if status == LIBEVDEV_READ_STATUS_SYNC.rawValue || status == LIBEVDEV_READ_STATUS_SUCCESS.rawValue {
      return .event(converted(event, now: now))
    }
    return status == -EAGAIN || status == -EINTR ? .nothing : .gone(-status)
  }

  private func converted(_ event: input_event, now: Int64) -> PadEvent {
    let stamp = Int64(event.time.tv_sec) &* 1_000_000_000 &+ Int64(event.time.tv_usec) &* 1000
    // A stamp from the future would make the newest event young for ever.
    return PadEvent(
      type: event.type, code: event.code, value: event.value, stamp: hasMonotonicStamps ? min(stamp, now) : now)
  }

  /// Whether the device has gone.
  var isHungUp: Bool { sinew_poll_until_ns(descriptor, false, 0) & Int32(POLLHUP | POLLERR | POLLNVAL) != 0 }

  /// The keys that are down, as the kernel has them.
  var keysDown: Set<UInt16> {
    capabilities.keys.filter { libevdev_get_event_value(device, UInt32(EV_KEY), UInt32($0)) != 0 }
  }

  /// The axes' values, as the kernel has them.
  var axisValues: [UInt16: Int32] {
    var values: [UInt16: Int32] = [:]
    for code in capabilities.axes.keys { values[code] = libevdev_get_event_value(device, UInt32(EV_ABS), UInt32(code)) }
    return values
  }

  private static func identity(_ device: OpaquePointer, path: String) -> PadIdentity {
    func text(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }
    return PadIdentity(
      path: path, name: text(libevdev_get_name(device)),
      bus: UInt16(truncatingIfNeeded: libevdev_get_id_bustype(device)),
      vendor: UInt16(truncatingIfNeeded: libevdev_get_id_vendor(device)),
      product: UInt16(truncatingIfNeeded: libevdev_get_id_product(device)),
      version: UInt16(truncatingIfNeeded: libevdev_get_id_version(device)),
      unique: text(libevdev_get_uniq(device)), place: text(libevdev_get_phys(device)))
  }

  private static func capabilities(_ device: OpaquePointer) -> PadCapabilities {
    var result = PadCapabilities()
    for code in 0..<UInt32(KEY_CNT) where libevdev_has_event_code(device, UInt32(EV_KEY), code) != 0 {
      result.keys.insert(UInt16(code))
    }
    for code in 0..<UInt32(ABS_CNT) where libevdev_has_event_code(device, UInt32(EV_ABS), code) != 0 {
      guard let info = libevdev_get_abs_info(device, code)?.pointee else { continue }
      result.axes[UInt16(code)] = AxisRange(
        minimum: info.minimum, maximum: info.maximum, fuzz: info.fuzz, flat: info.flat, resolution: info.resolution)
    }
    result.hasRumble = libevdev_has_event_code(device, UInt32(EV_FF), UInt32(FF_RUMBLE)) != 0
    return result
  }
}
