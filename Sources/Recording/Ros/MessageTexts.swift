/// The message definitions of our logs (`ros2msg`). The standard ones are written from their public field lists.
enum MessageTexts {
  private static let separator = String(repeating: "=", count: 80)

  static let string = "string data\n"

  static let jointState = """
    std_msgs/Header header
    string[] name
    float64[] position
    float64[] velocity
    float64[] effort
    \(separator)
    MSG: std_msgs/Header
    builtin_interfaces/Time stamp
    string frame_id
    \(separator)
    MSG: builtin_interfaces/Time
    int32 sec
    uint32 nanosec

    """

  static let loop = """
    # How the control loop kept its time since the message before.
    int64 stamp_ns            # monotonic, end of the interval
    uint64 ticks              # ticks since the start of the run
    uint64 overruns           # missed deadlines since the start of the run
    uint64 dropped_records    # records lost on the way to this log since the start of the run
    float64 achieved_rate     # Hz, over the interval
    int64 lateness_min        # ns behind the deadline at wake-up
    int64 lateness_mean
    int64 lateness_max
    int64 execution_min       # ns from wake-up to the end of the tick
    int64 execution_mean
    int64 execution_max

    """

  static let event: String = {
    let constants = LogEvent.allCases.map { "uint16 \($0.name.uppercased())=\($0.rawValue)" }
    return constants.joined(separator: "\n") + """

      int64 stamp_ns            # monotonic
      int64 first               # first argument, see the text
      int64 second              # second argument
      float64 value
      uint16 code               # one of the constants
      string text

      """
  }()
}
