import Glibc

/// The names that black boxes have beside a log: `run.blackbox`, then `run.2.blackbox` and so on. What is there already
/// stays.
struct BlackBoxPlaces {
  /// The first of the names.
  let first: String

  init(log: String) { first = (log.hasSuffix(".mcap") ? String(log.dropLast(5)) : log) + ".blackbox" }

  init(first: String) { self.first = first }

  /// The first name that nothing has; a link that leads to `path`, or to nothing in memory any more, is nothing.
  func free(leadingTo path: String) -> String {
    var number = 1
    while true {
      let place = name(number)
      var status = stat()
      if lstat(place, &status) != 0 { return place }
      if let target = BlackBoxFile.linkTarget(place), isOurs(target, path) {
        unlink(place)
        return place
      }
      number += 1
    }
  }

  private func isOurs(_ target: String, _ path: String) -> Bool {
    if target == path { return true }
    guard let slash = path.lastIndex(of: "/") else { return false }
    var status = stat()
    return target.hasPrefix(path[...slash] + BlackBoxKeeper.prefix) && lstat(target, &status) != 0
  }

  private func name(_ number: Int) -> String {
    number == 1 ? first : "\(first.dropLast(".blackbox".count)).\(number).blackbox"
  }

  /// A path that holds whatever folder the next program is in.
  func absolute(_ place: String) -> String {
    guard !place.hasPrefix("/"), let folder = getcwd(nil, 0) else { return place }
    defer { Glibc.free(folder) }
    return String(cString: folder) + "/" + place
  }

  /// Copies a file into the place of `link`, or of the first free name; nobody ever sees half of it there. A copy that stays
  /// in memory is this user's alone, and marked as one that a person was told of.
  ///
  /// - Throws: `BlackBoxError` when it cannot be written.
  func copy(
    _ descriptor: Int32, from path: String, over link: String?, inMemory: Bool = false
  ) throws(BlackBoxError) -> String {
    var bytes = try BlackBoxFile.contents(descriptor, path: path)
    if inMemory && bytes.count > BlackBox.Layout.toldOffset { bytes[BlackBox.Layout.toldOffset] = 1 }
    let place = link.flatMap { BlackBoxFile.linkTarget($0) == path ? $0 : nil } ?? free(leadingTo: path)
    let partial = "\(place).\(getpid())"
    func failure(_ code: Int32) -> BlackBoxError {
      unlink(partial)
      return BlackBoxError("\(place): cannot be written (errno \(code)); make room, and copy \(path) there")
    }
    let target = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, inMemory ? 0o600 : 0o644)
    guard target >= 0 else { throw failure(errno) }
    defer { close(target) }
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes { write(target, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure(count < 0 ? errno : ENOSPC) }
      done += count
    }
    guard fsync(target) == 0, rename(partial, place) == 0 else { throw failure(errno) }
    return place
  }
}
