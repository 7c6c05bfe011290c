/// Prints the messages of a log as text.
public enum LogCat {
  /// How messages are printed.
  public enum Format: String, Sendable, CaseIterable {
    /// One JSON object a line: topic, log time, schema, message.
    case json
    /// The transitions as a table; columns of arrays are named `obs[0]`, `action[1]`, …; NaN is an empty cell.
    case csv
  }

  /// Hands line after line to `body`, which answers false to stop.
  ///
  /// - Parameters:
  ///   - topics: nil for all; the table is always of `/transition`.
  ///   - progress: is told while reading which fraction of the bytes was read.
  /// - Returns: the error that ended the reading of a log that was not closed; nil when all of it was read.
  @discardableResult
  public static func forEachLine(
    path: String, format: Format, topics: Set<String>? = nil, progress: ((Double) -> Void)? = nil,
    _ body: (String) -> Bool
  ) throws(RecordingError) -> McapError? {
    let reader = try LogReader(path: path, progress: progress)
    return switch format {
    case .json: try jsonLines(reader, topics, body)
    case .csv: try table(reader, body)
    }
  }

  private static func jsonLines(
    _ reader: LogReader, _ topics: Set<String>?, _ body: (String) -> Bool
  ) throws(RecordingError) -> McapError? {
    var schemas: [UInt16: RosSchema] = [:]
    var failure: MessageError?
    let problem = try reader.forEachMessage(topics: topics) { channel, schema, message in
      var text = "{\"topic\":\(jsonText(channel.topic)),\"log_time\":\(message.logTime)"
      do throws(MessageError) {
        if let schema, schema.encoding == "ros2msg", channel.messageEncoding == "cdr" {
          let parsed: RosSchema
          if let known = schemas[channel.id] { parsed = known } else { parsed = try RosSchema(schema) }
          schemas[channel.id] = parsed
          text += ",\"type\":\(jsonText(schema.name)),\"message\":"
          RosValue.message(try parsed.decode(message.data)).write(to: &text)
        } else {
          text += ",\"type\":\(jsonText(schema?.name ?? "")),\"bytes\":\(message.data.count)"
        }
      } catch { failure = MessageError(channel.topic, "at log time \(message.logTime): \(error)") }
      return failure == nil && body(text + "}")
    }
    if let failure { throw RecordingError(path: reader.path, message: failure.description) }
    return problem
  }

  private static func table(_ reader: LogReader, _ body: (String) -> Bool) throws(RecordingError) -> McapError? {
    var decoder: TransitionDecoder?
    var failure: MessageError?
    let problem = try reader.forEachMessage(topics: ["/transition"]) { _, schema, message in
      do throws(MessageError) {
        if decoder == nil {
          guard let schema else { throw MessageError("/transition", "the channel has no schema") }
          let made = try TransitionDecoder(RosSchema(schema))
          decoder = made
          if !body(header(made.layout)) { return false }
        }
        guard let decoder else { return false }
        return body(row(try decoder.decode(message.data), decoder.layout))
      } catch {
        failure = error
        return false
      }
    }
    if let failure { throw RecordingError(path: reader.path, message: failure.description) }
    return problem
  }

  private static func header(_ layout: TransitionLayout) -> String {
    func columns(_ name: String, _ count: Int) -> [String] { (0..<count).map { "\(name)[\($0)]" } }
    var names = ["step", "stamp_ns", "duration", "episode", "step_in_episode"]
    names += columns("obs", layout.observationCount)
    for name in ["action_mean", "action_log_std", "raw_action", "action"] { names += columns(name, layout.actionCount) }
    for name in ["command", "proposal", "position", "velocity", "effort"] { names += columns(name, layout.jointCount) }
    names += ["log_probability", "value", "reward"] + columns("reward_terms", layout.rewardTermCount)
    names += ["source", "command_mode", "terminated", "truncated", "success", "altered", "intervention"]
    names += columns("final_obs", layout.observationCount)
    return names.joined(separator: ",")
  }

  private static func row(_ step: Transition, _ layout: TransitionLayout) -> String {
    func cell(_ value: Float) -> String { value.isNaN ? "" : "\(value)" }
    func cells(_ values: [Float], _ count: Int) -> [String] {
      (0..<count).map { $0 < values.count ? cell(values[$0]) : "" }
    }
    var row = ["\(step.step)", "\(step.stamp)", step.duration.isNaN ? "" : "\(step.duration)"]
    row += ["\(step.episode)", "\(step.stepInEpisode)"]
    row += cells(step.observation, layout.observationCount)
    for values in [step.actionMean, step.actionLogStandardDeviation, step.rawAction, step.action] {
      row += cells(values, layout.actionCount)
    }
    for values in [step.command, step.proposal, step.position, step.velocity, step.effort] {
      row += cells(values, layout.jointCount)
    }
    row += [cell(step.logProbability), cell(step.value), cell(step.reward)]
    row += cells(step.rewardTerms, layout.rewardTermCount)
    row += ["\(step.source)", "\(step.commandMode)"]
    for flag in [.terminated, .truncated, .success, .altered, .intervention] as [TransitionFlags] {
      row.append(step.flags.contains(flag) ? "1" : "0")
    }
    row += cells(step.finalObservation, layout.observationCount)
    return row.joined(separator: ",")
  }
}
