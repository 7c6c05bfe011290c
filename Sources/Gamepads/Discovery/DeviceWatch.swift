import CSystem
import Glibc

/// Tells when something appears in `/dev/input`, goes, or changes its rights (udev grants them after the device is there).
///
/// Where there is no such folder yet, its parent is watched for it. Without inotify nothing is told, and looking once in
/// a while has to do.
struct DeviceWatch: ~Copyable {
  /// To wait on; -1 without inotify.
  let descriptor: Int32
  private var isOnFolder = false

  init() {
    descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
    attach()
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  private mutating func attach() {
    guard descriptor >= 0, !isOnFolder else { return }
    let changes = UInt32(IN_CREATE | IN_DELETE | IN_ATTRIB | IN_MOVED_TO | IN_DELETE_SELF)
    if inotify_add_watch(descriptor, PadDiscovery.folder, changes) >= 0 {
      isOnFolder = true
    } else {
      _ = inotify_add_watch(descriptor, "/dev", UInt32(IN_CREATE))
    }
  }

  /// Forgets what has been told; true when there was anything.
  mutating func drain() -> Bool {
    guard descriptor >= 0 else { return false }
    var hasChanged = false
    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
      guard let bytes = buffer.baseAddress else { return }
      // What stands in the notices does not matter: whoever listens looks at everything. A flood of them is left for the
      // next turn.
      for _ in 0..<16 where sinew_read_some(descriptor, bytes, buffer.count) > 0 { hasChanged = true }
    }
    if hasChanged && access(PadDiscovery.folder, F_OK) != 0 { isOnFolder = false }
    if hasChanged { attach() }
    return hasChanged
  }
}

/// The motion sensors of a pad, opened for their steady stream alone.
struct HeartbeatDevice: ~Copyable {
  private let descriptor: Int32

  init?(path: String) {
    descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    if descriptor < 0 { return nil }
  }

  deinit { close(descriptor) }

  /// Throws away what has come in; true when anything has.
  func drain() -> Bool {
    var hasBeaten = false
    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
      guard let bytes = buffer.baseAddress else { return }
      for _ in 0..<16 where sinew_read_some(descriptor, bytes, buffer.count) > 0 { hasBeaten = true }
    }
    return hasBeaten
  }
}
