import Glibc

/// What the system calls an errno value.
func systemMessage(_ errorNumber: Int32) -> String {
  guard let text = strerror(errorNumber) else { return "error \(errorNumber)" }
  return String(cString: text)
}
