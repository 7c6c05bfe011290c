import Recording
import Testing

/// Bytes from hexadecimal digits.
func bytes(hex: String) -> [UInt8] {
  let digits = hex.compactMap(\.hexDigitValue)
  return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
}

@Suite
struct RosTests {
  static let jointState = """
    std_msgs/Header header
    string[] name  # one per joint
    float64[] position
    float64[] velocity
    float64[] effort
    ================================================================================
    MSG: std_msgs/Header
    builtin_interfaces/Time stamp
    string frame_id
    ================================================================================
    MSG: builtin_interfaces/Time
    int32 sec
    uint32 nanosec
    """

  // Serialised by rosbags 0.11.9 (ROS 2 Humble type store).
  static let jointStateBytes = bytes(
    hex: "000100000c00000035a49a140100000000000000020000000900000073686f756c6465720000000006000000656c626f7700000002"
      + "00000000000000000000000000e03f000000000000f4bf02000000000000000000000000000040000000000000084000000000")

  @Test("a joint state serialised by another implementation decodes")
  func decodesJointState() throws {
    let schema = try RosSchema(name: "sensor_msgs/msg/JointState", text: Self.jointState)
    let members = try Self.jointStateBytes.withUnsafeBytes { try schema.decode($0) }
    #expect(
      RosValue.message(members).json
        == #"{"header":{"stamp":{"sec":12,"nanosec":345678901},"frame_id":""},"name":["shoulder","elbow"],"#
        + #""position":[0.5,-1.25],"velocity":[2.0,3.0],"effort":[]}"#)
  }

  @Test("constants, comments, defaults, bounds and relative names are understood")
  func schemaSyntax() throws {
    let schema = try RosSchema(
      name: "a/msg/B",
      text: """
        # a comment
        uint8 KIND_ONE=1
        int32 LOW = -5   # constant
        byte[4] raw
        string<=10 name "default # text"
        float32[<=3] list
        Inner inner
        other/msg/Thing thing
        Header header
        ===
        MSG: a/Inner
        bool flag
        ===
        MSG: other/Thing
        char c
        """)
    #expect(schema.constants == ["KIND_ONE": 1, "LOW": -5])
    #expect(
      schema.fields == [
        .init(name: "raw", element: .uint8, arity: .fixed(4)), .init(name: "name", element: .string, arity: .one),
        .init(name: "list", element: .float32, arity: .sequence),
        .init(name: "inner", element: .message("a/Inner"), arity: .one),
        .init(name: "thing", element: .message("other/Thing"), arity: .one),
        .init(name: "header", element: .message("std_msgs/Header"), arity: .one),
      ])
    #expect(schema.definitions["other/Thing"] == [.init(name: "c", element: .uint8, arity: .one)])
  }

  @Test(
    "a schema that is none is refused with its line",
    arguments: ["float64", "float64[x] a", "float64[-1] a", "===\nfloat64 x", "uint8 ?"])
  func badSchemas(text: String) {
    #expect(throws: MessageError.self) { try RosSchema(name: "a/msg/B", text: text) }
  }

  @Test("messages that end early, announce too much or nest for ever are errors, not traps")
  func badMessages() throws {
    let schema = try RosSchema(name: "sensor_msgs/msg/JointState", text: Self.jointState)
    for length in 0..<Self.jointStateBytes.count - 1 {
      let short = Array(Self.jointStateBytes[..<length])
      #expect(throws: MessageError.self) { try short.withUnsafeBytes { try schema.decode($0) } }
    }
    for (text, hex) in [
      ("float64[] a", "00010000ffffffff00"), ("string a", "00010000ffffff7f41"), ("float32[4000000000] a", "00010000"),
      ("E[] a\n===\nMSG: a/E\n", "00010000ffffffff"), ("B b\n===\nMSG: a/B\nB b", "0001000000000000"),
      ("Missing m", "0001000000000000"), ("uint8 a", "0002000000"), ("uint8 a", "00"),
      ("string a", "0001000002000000ff00"),
    ] {
      let schema = try RosSchema(name: "a/msg/A", text: text)
      #expect(throws: MessageError.self, "\(text)") { try bytes(hex: hex).withUnsafeBytes { try schema.decode($0) } }
    }
  }

  @Test("big-endian messages decode")
  func bigEndian() throws {
    let schema = try RosSchema(name: "a/msg/A", text: "uint8 a\nuint32 b\nfloat64 c")
    let members = try bytes(hex: "0000000001000000000000023ff8000000000000").withUnsafeBytes { try schema.decode($0) }
    #expect(RosValue.message(members).json == #"{"a":1,"b":2,"c":1.5}"#)
  }

  @Test("JSON escapes control characters and turns NaN into null")
  func json() {
    #expect(RosValue.text("a\"\\\n\u{1}é").json == "\"a\\\"\\\\\\n\\u0001é\"")
    #expect(RosValue.list([.double(.nan), .float(-.infinity), .float(0.1)]).json == "[null,null,0.1]")
  }
}
