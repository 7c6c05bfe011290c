import Glibc

extension BlackBoxKeeper {
  /// Black boxes in memory that belong to no log, at most; the oldest go first.
  static let mostWithoutLog = 16

  /// Brings what dead runs of this user have left in memory beside their logs. One line for each, once: the place, and how
  /// the box is printed.
  public static func settle(folder: String = BlackBoxKeeper.memoryFolder) -> [String] {
    var notes: [String] = []
    var homeless: [(time: Int, path: String)] = []
    for path in files(in: folder) {
      let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
      guard descriptor >= 0 else { continue }
      defer { close(descriptor) }
      var status = stat()
      // Only what this user alone can have written says where anything goes.
      guard fstat(descriptor, &status) == 0, status.st_uid == geteuid(), status.st_mode & S_IFMT == S_IFREG,
        status.st_mode & 0o077 == 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0,
        fstat(descriptor, &status) == 0, status.st_nlink == 1
      else { continue }
      // One that is just being made has no header yet.
      guard BlackBoxHeader(descriptor) != nil else { continue }
      if let note = settle(path, descriptor) { notes.append(note) }
      if fstat(descriptor, &status) == 0, status.st_nlink == 1 {
        homeless.append((status.st_mtim.tv_sec, path))
      }
    }
    for file in homeless.sorted(by: { $0.time > $1.time }).dropFirst(mostWithoutLog) { unlink(file.path) }
    return notes
  }

  /// One file that nobody writes to any more.
  private static func settle(_ path: String, _ descriptor: Int32) -> String? {
    guard let header = BlackBoxHeader(descriptor),
      let bytes = try? BlackBoxFile.contents(descriptor, path: path),
      let box = try? BlackBoxFile(bytes: bytes, path: path)
    else { return nil }
    let places = header.place.map { BlackBoxPlaces(first: $0) }
    let isSaved = header.isFrozen && header.saved == header.faults
    if box.records.isEmpty || isSaved {
      if let link = header.place, BlackBoxFile.linkTarget(link) == path { unlink(link) }
      unlink(path)
      return nil
    }
    if let places {
      do throws(BlackBoxError) {
        let place = try places.copy(descriptor, from: path, over: places.first)
        unlink(path)
        return text(box, place)
      } catch {
        guard !header.isTold else { return nil }
        BlackBoxHeader.noteTold(descriptor)
        return "\(text(box, path)); \(error)"
      }
    }
    guard !header.isTold else { return nil }
    BlackBoxHeader.noteTold(descriptor)
    return text(box, path)
  }

  private static func text(_ box: BlackBoxFile, _ place: String) -> String {
    "a run that died (process \(box.process)) left its black box in \(place); 'sinew log blackbox \(place)' prints it"
  }

  /// This user's black boxes in a folder.
  private static func files(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name.hasPrefix(prefix) && name.hasSuffix(".blackbox") { names.append("\(folder)/\(name)") }
    }
    return names.sorted()
  }
}
