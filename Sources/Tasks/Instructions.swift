import ArmModel
import Numerics

/// The observation kinds as the control thread switches on them.
enum ObservationOperation: UInt8, BitwiseCopyable {
  case jointPosition, jointPositionCosine, jointPositionSine, jointVelocity, jointEffort, jointPositionError
  case variable, point, pointMinusVariable, pointMinusPoint, previousAction, timeFraction

  init(_ kind: ObservationKind) {
    switch kind {
    case .jointPosition: self = .jointPosition
    case .jointPositionCosine: self = .jointPositionCosine
    case .jointPositionSine: self = .jointPositionSine
    case .jointVelocity: self = .jointVelocity
    case .jointEffort: self = .jointEffort
    case .jointPositionError: self = .jointPositionError
    case .variable: self = .variable
    case .point: self = .point
    case .pointMinusVariable: self = .pointMinusVariable
    case .pointMinusPoint: self = .pointMinusPoint
    case .previousAction: self = .previousAction
    case .timeFraction: self = .timeFraction
    }
  }
}

/// One number of the observation.
struct ObservationInstruction: BitwiseCopyable {
  enum Noise: UInt8, BitwiseCopyable {
    case none, uniform, gaussian
  }
  var operation: ObservationOperation
  var component: Int
  var point: Int
  var reference: Int
  var scale: Double
  var offset: Double
  var low: Double
  var high: Double
  var noise: Noise
  var noiseSize: Double

  init(_ term: ObservationTerm, component index: Int) {
    operation = ObservationOperation(term.kind)
    component = term.components[index]
    point = term.point
    reference = term.reference
    scale = term.scale[index]
    offset = term.offset[index]
    low = term.clip.low
    high = term.clip.high
    switch term.noise {
    case .none: (noise, noiseSize) = (.none, 0)
    case .uniform(let halfRange): (noise, noiseSize) = (.uniform, halfRange)
    case .gaussian(let standardDeviation): (noise, noiseSize) = (.gaussian, standardDeviation)
    }
  }
}

/// One term of the observation: where its instructions are, where its numbers go, and its past.
struct ObservationBlock: BitwiseCopyable {
  var firstInstruction: Int
  var count: Int
  var output: Int
  var frames: Int
  var newestFirst: Bool
  /// Where in the history buffer its frames are, newest first; unused with one frame.
  var store: Int
}

/// One commanded joint.
struct ActionInstruction: BitwiseCopyable {
  var joint: Int
  var scale: Double
  var offset: Double
}

/// The reward kinds as the control thread switches on them.
enum RewardOperation: UInt8, BitwiseCopyable {
  case distance, distanceTanh, distanceExponential, actionSquared, actionRateSquared, jointVelocitySquared
  case jointEffortSquared, jointPower, jointDeviationSquared, jointLimitProximity, successBonus, failure, constant

  init(_ kind: RewardKind) {
    switch kind {
    case .distance: self = .distance
    case .distanceTanh: self = .distanceTanh
    case .distanceExponential: self = .distanceExponential
    case .actionSquared: self = .actionSquared
    case .actionRateSquared: self = .actionRateSquared
    case .jointVelocitySquared: self = .jointVelocitySquared
    case .jointEffortSquared: self = .jointEffortSquared
    case .jointPower: self = .jointPower
    case .jointDeviationSquared: self = .jointDeviationSquared
    case .jointLimitProximity: self = .jointLimitProximity
    case .successBonus: self = .successBonus
    case .failure: self = .failure
    case .constant: self = .constant
    }
  }
}

/// From a point to a variable or to another point.
struct DistanceInstruction: BitwiseCopyable {
  enum Norm: UInt8, BitwiseCopyable {
    case euclidean, manhattan, squared
  }
  var point: Int
  var reference: Int
  var toPoint: Bool
  var norm: Norm

  init(point: Int, reference: PointReference, norm: DistanceNorm) {
    self.point = point
    switch reference {
    case .variable(let index): (self.reference, toPoint) = (index, false)
    case .point(let index): (self.reference, toPoint) = (index, true)
    }
    switch norm {
    case .euclidean: self.norm = .euclidean
    case .manhattan: self.norm = .manhattan
    case .squared: self.norm = .squared
    }
  }
}

/// One term of the reward.
struct RewardInstruction: BitwiseCopyable {
  var operation: RewardOperation
  var weight: Double
  var distance: DistanceInstruction
  var parameter: Double
  /// Where its joints (or actions) and their targets are in the index and target buffers.
  var start: Int
  var count: Int
}

/// A joint's limits in a task.
struct TaskJointLimit: BitwiseCopyable {
  var lower: Double
  var upper: Double
  var velocity: Double
}

/// Everything about the end of an episode.
struct EndInstruction: BitwiseCopyable {
  var stepLimit: Int
  var checksJointLimits = false
  var jointLimitMargin = 0.0
  var checksWorkspace = false
  var workspacePoint = 0
  var workspaceLow = Vector3.zero
  var workspaceHigh = Vector3.zero
  var hasSuccess = false
  var success: DistanceInstruction
  var successDistance = 0.0
  var holdSteps = 1
  var endsWithSuccess = false
  var successLatches = false

  init(_ definition: TaskDefinition) {
    stepLimit = definition.timeLimitSteps ?? Int.max
    if let margin = definition.termination.jointLimitMargin {
      checksJointLimits = true
      jointLimitMargin = margin
    }
    if let workspace = definition.termination.workspace {
      checksWorkspace = true
      workspacePoint = workspace.point
      workspaceLow = workspace.low
      workspaceHigh = workspace.high
    }
    success = DistanceInstruction(point: 0, reference: .variable(0), norm: .euclidean)
    if let criterion = definition.success {
      hasSuccess = true
      success = DistanceInstruction(point: criterion.point, reference: criterion.reference, norm: .euclidean)
      successDistance = criterion.within
      holdSteps = criterion.holdSteps
      endsWithSuccess = criterion.endsEpisode
      successLatches = criterion.judgement == .once
    }
  }
}

/// A copy of `values` in memory of its own, touched now; the owner frees it.
func ownedBuffer<Element: BitwiseCopyable>(_ values: [Element]) -> UnsafeMutableBufferPointer<Element> {
  let buffer = UnsafeMutableBufferPointer<Element>.allocate(capacity: values.count)
  _ = buffer.initialize(from: values)
  return buffer
}
