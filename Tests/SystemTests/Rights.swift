import Glibc

/// Gives up what root may do, and limits locked memory and real-time priority; only for processes of an exit test.
/// Returns whether the limit of locked memory is as asked; raising it above what there was may be refused.
@discardableResult
func becomeOrdinaryUser(lockedMemory: UInt) -> Bool {
  var memory = rlimit(rlim_cur: lockedMemory, rlim_max: lockedMemory)
  let wasSet = setrlimit(__rlimit_resource_t(8), &memory) == 0  // RLIMIT_MEMLOCK, which Glibc does not show to Swift
  var priority = rlimit(rlim_cur: 0, rlim_max: 0)
  setrlimit(__rlimit_resource_t(14), &priority)  // RLIMIT_RTPRIO
  if getuid() == 0 {
    let nobody: uid_t = 65534
    precondition(setgid(nobody) == 0 && setuid(nobody) == 0)
  }
  return wasSet
}

/// The value of a line "key: value" in /proc/thread-self/status, as the kernel writes it.
func status(_ key: String) -> String? {
  guard let file = fopen("/proc/thread-self/status", "r") else { return nil }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 256)
  while fgets(&line, Int32(line.count), file) != nil {
    let text = line.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    guard text.hasPrefix(key + ":") else { continue }
    return String(text.dropFirst(key.count + 1).drop(while: \.isWhitespace).prefix(while: { !$0.isNewline }))
  }
  return nil
}

/// A size in /proc/thread-self/status, in KiB.
func statusKilobytes(_ key: String) -> Int? { status(key).flatMap { Int($0.prefix(while: \.isNumber)) } }

/// Whether `bytes` of fresh memory can be had.
func canAllocate(_ bytes: Int) -> Bool {
  let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
  guard memory != MAP_FAILED else { return false }
  munmap(memory, bytes)
  return true
}
