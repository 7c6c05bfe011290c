extension OnnxNode {
  /// Reads a node's attributes with their ONNX defaults; a wrong kind is an error that names the node.
  func integer(_ name: String, default value: Int, file: String) throws(PolicyError) -> Int {
    guard let attribute = attributes[name] else { return value }
    guard case .integer(let number) = attribute else { throw wrong(name, "one integer", file) }
    return Int(number)
  }

  /// A float attribute; NaN and infinity are refused.
  func float(_ name: String, default value: Float, file: String) throws(PolicyError) -> Float {
    guard let attribute = attributes[name] else { return value }
    guard case .float(let number) = attribute, number.isFinite else { throw wrong(name, "one finite number", file) }
    return number
  }

  /// A text attribute.
  func string(_ name: String, default value: String, file: String) throws(PolicyError) -> String {
    guard let attribute = attributes[name] else { return value }
    guard case .string(let text) = attribute else { throw wrong(name, "a text", file) }
    return text
  }

  /// A list of integers, or nil when absent.
  func integers(_ name: String, file: String) throws(PolicyError) -> [Int]? {
    guard let attribute = attributes[name] else { return nil }
    switch attribute {
    case .integers(let list): return list.map { Int($0) }
    case .integer(let number): return [Int(number)]
    default: throw wrong(name, "a list of integers", file)
    }
  }

  /// An error at this node.
  func error(_ code: PolicyError.Code, _ message: String, file: String, suggestion: String? = nil) -> PolicyError {
    PolicyError(code, file: file, place: place, message, suggestion: suggestion)
  }

  private func wrong(_ name: String, _ expected: String, _ file: String) -> PolicyError {
    error(.malformed, "its attribute \(name.quoted) is not \(expected)", file: file)
  }

  /// The error for an operator that is not implemented.
  func unsupportedOperator(file: String, opset: Int64) -> PolicyError {
    let label = domain.isEmpty || domain == "ai.onnx" ? operation.quoted : (domain + "." + operation).quoted
    return error(
      .unsupported, "the operator \(label) (opset \(opset)) is not supported", file: file,
      suggestion: "leave it out of the exported policy")
  }
}
