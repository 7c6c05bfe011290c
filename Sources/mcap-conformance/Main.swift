import Foundation
import McapConformance

/// `mcap-conformance read-streamed|read-indexed|write FILE`: one conformance case, for the suite's driver.
@main
enum Main {
  static func main() {
    let arguments = CommandLine.arguments
    guard arguments.count == 3 else { fail("usage: mcap-conformance read-streamed|read-indexed|write FILE", status: 2) }
    do {
      switch arguments[1] {
      case "read-streamed": print(try McapConformance.readStreamed(path: arguments[2]))
      case "read-indexed": print(try McapConformance.readIndexed(path: arguments[2]))
      case "write": try FileHandle.standardOutput.write(contentsOf: McapConformance.write(jsonPath: arguments[2]))
      default: fail("unknown mode '\(arguments[1])'", status: 2)
      }
    } catch {
      fail("\(error)", status: 1)
    }
  }

  private static func fail(_ message: String, status: Int32) -> Never {
    FileHandle.standardError.write(Data("mcap-conformance: \(message)\n".utf8))
    exit(status)
  }
}
