import Glibc

/// Keeps the black box of one run where it outlives the process, and brings it beside the log after a fault.
///
/// While the run lasts the file lies on a file system in memory, locked, and a symbolic link beside the log leads to it:
/// after a crash the link shows the last ticks at once, and the next run (`BlackBoxKeeper.settle`) puts the file itself in
/// the link's place, since memory is lost with the machine's power. After a fault `attend` does so while the run goes on.
/// `end` removes what a run without a fault has left. Everything here reads and writes files and belongs to the session's
/// thread; the control thread only writes to the map.
public final class BlackBoxKeeper {
  /// Where files never wait for a disk.
  public static let memoryFolder = "/dev/shm"

  /// The file in memory.
  public let path: String
  /// The faults' files, in the order of time: beside the log, or in memory where they could not be brought there.
  public private(set) var saved: [String] = []
  private let descriptor: Int32
  /// Where faults go, and whether that is beside a log; else they stay in memory.
  private let places: BlackBoxPlaces
  private let hasLog: Bool
  /// The link that leads to `path` now.
  private var link: String?
  /// Faults that were seen.
  private var faultCount: UInt64 = 0
  private var notes: [String] = []
  /// Whether the file itself is to stay in memory: nothing else has what is in it.
  private var stays = false
  private var isOver = false

  /// A locked, empty file in `folder`; `log` is the path of the run's log, beside which it goes, nil for none.
  ///
  /// - Throws: `BlackBoxError` when the file cannot be made.
  public init(folder: String = BlackBoxKeeper.memoryFolder, beside log: String?) throws(BlackBoxError) {
    hasLog = log != nil
    var number = 0
    while true {
      let path = "\(folder)/\(BlackBoxKeeper.prefix)\(getpid())-\(number).blackbox"
      let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
      if descriptor >= 0 {
        self.path = path
        self.descriptor = descriptor
        places = BlackBoxPlaces(log: log ?? "\(folder)/\(BlackBoxKeeper.prefix)\(getpid())-\(number)-fault")
        break
      }
      guard errno == EEXIST, number < 100_000 else {
        throw BlackBoxError("\(path): cannot be made (errno \(errno))")
      }
      number += 1
    }
    // Whoever gets the lock knows that nobody writes any more.
    while flock(descriptor, LOCK_EX) != 0 && errno == EINTR {}
  }

  deinit {
    end()
    close(descriptor)
  }

  /// What the names of the files in memory begin with.
  static var prefix: String { "sinew-\(geteuid())-" }

  /// The box itself, for the loop; once. From now on the link leads to it.
  ///
  /// - Throws: `BlackBoxError` when its bytes cannot be had.
  public func makeBox(
    seconds: Double = 2, period: Int64, jointNames: [String]
  ) throws(BlackBoxError) -> BlackBox {
    let box = try BlackBox(
      descriptor, path: path, seconds: seconds, period: period, jointCount: jointNames.count, jointNames: jointNames)
    makeLink()
    return box
  }

  /// Looks whether a fault has frozen the box, and copies it beside the log; to be called some times a second.
  public func attend() {
    guard !isOver, let header = BlackBoxHeader(descriptor) else { return }
    if header.faults > faultCount {
      faultCount = header.faults
      save()
    } else if !header.isFrozen && link == nil && faultCount > 0 {
      // The run goes on after a reset; its next fault gets a file of its own.
      makeLink()
    }
  }

  /// One line for each thing that happened since the last call.
  public func takeNotes() -> [String] {
    defer { notes = [] }
    return notes
  }

  /// The run is over in good order: the last fault is brought beside its log, and nothing else stays.
  public func end() {
    guard !isOver else { return }
    attend()
    isOver = true
    if !stays { unlink(path) }
    removeLink()
  }

  // MARK: Places

  private func save() {
    do throws(BlackBoxError) {
      let place = try places.copy(descriptor, from: path, over: link, inMemory: !hasLog)
      link = nil
      BlackBoxHeader.noteSaved(descriptor, faultCount)
      tell(place)
      if !hasLog { notes.append("the run has no log: its black box is lost when the machine is switched off") }
    } catch {
      stays = true
      tell(path)
      notes.append("\(error); until then it stays in memory, and is lost when the machine is switched off")
    }
  }

  private func tell(_ place: String) {
    saved.append(place)
    notes.append(
      "black box: the last seconds before the fault are in \(place); 'sinew log blackbox \(place)' prints them")
  }

  private func makeLink() {
    guard hasLog else { return }
    let place = places.free(leadingTo: path)
    BlackBoxHeader.notePlace(descriptor, places.absolute(place))
    // A file system without links: the next run finds the file by its name in memory.
    if symlink(path, place) == 0 { link = place }
  }

  private func removeLink() {
    if let link, BlackBoxFile.linkTarget(link) == path { unlink(link) }
    link = nil
  }
}
