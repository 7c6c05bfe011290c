import ArgumentParser
import Foundation

/// How the command ends; the same numbers in every subcommand, documented in the README.
enum ExitStatus {
  /// The run itself failed: a fault was latched, a device or a disk failed, a check found errors.
  static let failure = ExitCode(1)
  /// The request was wrong: an argument, a file's content, a configuration. Nothing was written.
  static let badInput = ExitCode(2)
  /// It worked, with a loss: records were dropped, or recovered only in part.
  static let loss = ExitCode(3)
}

/// A wrong request: one line that says what is wrong, where, and what to do next.
struct InputError: Error, CustomStringConvertible {
  let description: String
  init(_ text: String) { description = text }
}

/// A run that failed: one line.
struct RunFailure: Error, CustomStringConvertible {
  let description: String
  init(_ text: String) { description = text }
}

/// Runs `body`, turning any of the rooms' typed errors (wrong input all of them) into an `InputError`.
func checkingInput<Result>(_ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let error as InputError {
    throw error
  } catch let error as RunFailure {
    throw error
  } catch let error as ExitCode {
    throw error
  } catch {
    throw InputError("\(error)")
  }
}

/// Prints to standard error.
func printError(_ text: String) {
  FileHandle.standardError.write(Data((text + "\n").utf8))
}
