/// A count of things: "1 episode", "2 episodes".
func counted(_ count: some BinaryInteger, _ thing: String) -> String { "\(count) \(thing)\(count == 1 ? "" : "s")" }
