/// Which pad is listened to: the first that is found, and then no other, until a pad that may replace it appears.
struct PadBinding: Sendable {
  /// The device that the user named, or nil for any.
  let pinnedPath: String?
  /// The pad that is, or last was, listened to.
  private(set) var bound: PadIdentity?
  private(set) var isPresent = false
  /// Pads that were there when the bound one went, and have been since.
  private var bystanders: Set<String> = []

  init(pinnedPath: String?) { self.pinnedPath = pinnedPath }

  /// Whether a pad may be listened to now.
  func admits(_ identity: PadIdentity) -> Bool {
    guard !isPresent else { return false }
    guard let bound else { return pinnedPath.map { PadDiscovery.devicePath($0) == identity.path } ?? true }
    if pinnedPath.map({ PadDiscovery.devicePath($0) == identity.path }) == true {
      return bound.vendor == identity.vendor && bound.product == identity.product
        && (bound.unique == identity.unique || bound.unique.isEmpty || identity.unique.isEmpty)
    }
    return bound.mayBeReplaced(by: identity, isNew: !bystanders.contains(identity.path))
  }

  mutating func bind(_ identity: PadIdentity) {
    bound = identity
    isPresent = true
    bystanders = []
  }

  /// The bound pad has gone; `others` are the devices there are now.
  mutating func lose(others: Set<String>) {
    isPresent = false
    bystanders = others
    if let bound { bystanders.remove(bound.path) }
  }

  /// Takes note of the devices there are: one that has gone is new when it comes again.
  mutating func see(_ paths: Set<String>) { bystanders.formIntersection(paths) }
}
