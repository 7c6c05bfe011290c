import ArmModel

/// How long commands and measurements take, in whole physics steps.
struct ArmLatencies: BitwiseCopyable {
  private let commandLatency: Double
  private let statusLatency: Double
  private let timestep: Double

  init(_ servos: [ServoParameters], timestep: Double) {
    commandLatency = servos.map(\.commandLatency).max() ?? 0
    statusLatency = servos.map(\.statusLatency).max() ?? 0
    self.timestep = timestep
  }

  /// From a command to its effect, with `added` seconds.
  @_noLocks
  func command(_ added: Double) -> Int { steps(commandLatency + added) }

  /// From a measurement to its arrival, with `added` seconds.
  @_noLocks
  func status(_ added: Double) -> Int { steps(statusLatency + added) }

  @_noLocks
  private func steps(_ time: Double) -> Int { Int(time / timestep + 0.5) }
}

/// What it takes to perturb an arm anew: the ranges, and everything as it is without them. Plain bytes, so that an episode
/// may begin on the control thread.
struct ArmVariation: BitwiseCopyable {
  let bounds: PerturbationBounds
  let baseline: ModelBaseline
  /// Whether anything but drives, delays and sensors varies.
  let editsModel: Bool
  private(set) var recipes: InlineArray<16, DriveRecipe>
  let latencies: ArmLatencies

  /// One in memory of its own, the caller's to deallocate. Without a baseline the model is shared, and stays as it is.
  static func make(
    _ bounds: PerturbationBounds, _ baseline: ModelBaseline?, _ recipes: [DriveRecipe], _ latencies: ArmLatencies
  ) -> UnsafeMutablePointer<ArmVariation> {
    var list = InlineArray<16, DriveRecipe>(repeating: DriveRecipe())
    for index in recipes.indices { list[index] = recipes[index] }
    let place = UnsafeMutablePointer<ArmVariation>.allocate(capacity: 1)
    let editing: [Perturbations.Name] = [.payload, .friction, .gain, .torqueLimit]
    place.initialize(
      to: ArmVariation(
        bounds: bounds, baseline: baseline ?? ModelBaseline(),
        editsModel: baseline != nil && editing.contains { bounds.varies($0) }, recipes: list, latencies: latencies))
    return place
  }
}
