/// Which servos of a bus are of which model, as a user writes it: "sts3215-7v4" for all of them, "3-6=xl330-m288" for some.
public struct ServoChoice: Sendable, Equatable {
  /// nil: all of them.
  public var ids: [UInt8]?
  public var model: ServoModel

  public init(_ model: ServoModel, ids: [UInt8]? = nil) {
    self.ids = ids
    self.model = model
  }

  /// Reads one choice.
  public static func parse(_ text: String) throws(VirtualServoError) -> ServoChoice {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return ServoChoice(try ServoModel.named(text)) }
    return ServoChoice(try ServoModel.named(String(parts[1])), ids: try ServoIDs.parse(String(parts[0])))
  }

  /// Id and model of every servo that the choices name, in their order.
  ///
  /// - Parameter ids: the ids that a model without any of its own is for.
  public static func servos(
    _ choices: [ServoChoice], ids: [UInt8]
  ) throws(VirtualServoError) -> [(id: UInt8, model: ServoModel)] {
    if choices.count == 1, let only = choices.first, only.ids == nil { return ids.map { ($0, only.model) } }
    var servos: [(id: UInt8, model: ServoModel)] = []
    for choice in choices {
      guard let own = choice.ids else {
        throw VirtualServoError(
          "\(choice.model.name) is for all servos, and others have a model of their own; write which ids are meant, such as "
            + "1-2=\(choice.model.name)")
      }
      for id in own {
        guard !servos.contains(where: { $0.id == id }) else {
          throw VirtualServoError("id \(id) has two models; give it one")
        }
        servos.append((id, choice.model))
      }
    }
    return servos
  }
}
