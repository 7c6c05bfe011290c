import ArmModel
import Foundation
import Recording

/// A log's content, to be changed and written again: what faulty recorders, other people's tools and mistakes make of logs.
struct LogForgery {
  var joints: [String] = []
  var metadata: [String: [String: String]] = [:]
  var attachments: [LogAttachment] = []
  var rows: [Transition] = []
  /// Events to be put in, by their time.
  var events: [(event: LogEvent, stamp: Int64, first: Int64, second: Int64)] = []
  private let layout: TransitionLayout

  init(of path: String) throws {
    let content = try TransitionLog.read(path: path)
    rows = content.transitions
    layout = content.layout
    let reader = try McapIndexedReader(source: FileSource(path: path))
    for index in reader.metadataIndexes {
      let record = try reader.metadata(index)
      metadata[record.name, default: [:]].merge(record.metadata) { $1 }
    }
    for index in reader.attachmentIndexes {
      let file = try reader.attachment(index)
      attachments.append(LogAttachment(name: file.name, mediaType: file.mediaType, data: file.data))
    }
    joints = metadata["session"]?["joints"]?.split(separator: " ").map(String.init) ?? []
  }

  /// The place of a row by episode and step.
  func place(_ episode: Int, _ step: Int) -> Int {
    rows.firstIndex { $0.episode == UInt32(episode) && $0.stepInEpisode == UInt32(step) } ?? 0
  }

  func write(to path: String) throws {
    var options = RecorderOptions()
    options.clock = .virtual
    options.ringBytes = 1 << 24
    let recorder = try Recorder.start(
      path: path, options: options, layout: layout, jointNames: joints, metadata: metadata, attachments: attachments)
    var port = recorder.makePort()
    var pending = events
    for row in rows {
      while let event = pending.first, event.stamp <= row.stamp {
        port.recordEvent(event.event, stamp: event.stamp, first: event.first, second: event.second)
        pending.removeFirst()
      }
      let isFinal = !row.finalObservation.isEmpty
      guard let writer = port.reserveTransition(isFinal: isFinal) else { continue }
      writer.setStep(
        row.step, stamp: row.stamp, duration: row.duration, episode: row.episode, stepInEpisode: row.stepInEpisode)
      writer.setObservation(row.observation)
      writer.setAction(
        mean: row.actionMean, logStandardDeviation: row.actionLogStandardDeviation, raw: row.rawAction,
        action: row.action)
      writer.setLogProbability(row.logProbability, value: row.value)
      func vector(_ values: [Float]) -> JointVector { JointVector(values.map { Double($0) }) }
      let mode = CommandMode(rawValue: row.commandMode) ?? .position
      writer.setCommand(
        JointCommand(mode: mode, goal: vector(row.command), stamp: row.stamp), proposal: vector(row.proposal),
        source: row.source)
      var state = JointState(count: row.position.count)
      state.position = vector(row.position)
      state.velocity = vector(row.velocity)
      state.effort = vector(row.effort)
      state.present = [.position, .velocity, .effort]
      writer.setJoints(state)
      writer.setReward(Double(row.reward), terms: row.rewardTerms.map { Double($0) })
      writer.setFlags(row.flags)
      if isFinal { writer.setFinalObservation(row.finalObservation.map { Double($0) }) }
      port.commitTransition()
      port.awaitRoom()
    }
    _ = recorder.finish()
  }
}
