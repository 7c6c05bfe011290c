import ArgumentParser
import Foundation
import Glibc
import ServoBus
import Sessions

/// How the command ends; the same numbers in every subcommand, documented in the README.
enum ExitStatus {
  /// The run itself failed: a fault was latched, a device or a disk failed, a check found errors; servos that do not
  /// answer, or are not as they should be, are such.
  static let failure = ExitCode(1)
  /// The request was wrong: an argument, a file's content, a configuration, a port that cannot be opened. Nothing was
  /// written.
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

/// Runs `body`, turning any of the rooms' typed errors into an `InputError`; what was found on a bus of servos is the run's
/// failure.
func checkingInput<Result>(_ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let error as InputError {
    throw error
  } catch let error as RunFailure {
    throw error
  } catch let error as ExitCode {
    throw error
  } catch let error as ServoArmError where !error.isWrongInput {
    throw RunFailure("\(error)")
  } catch let error as SessionError where !error.isWrongInput {
    throw RunFailure("\(error)")
  } catch {
    throw InputError("\(error)")
  }
}

/// Prints to standard error; when nobody reads it, nothing happens.
func printError(_ text: String) {
  _ = writeFully(Array((text + "\n").utf8), to: STDERR_FILENO)
}

/// An error's text in which files that ship are named as such: where they lie is nothing that a user chose, and a shipped
/// file cannot be edited. Line and column stay.
func namingShippedFiles(_ text: String) -> String {
  text.replacing(/\S*\/sinew_\w+\.(?:resources|bundle)\/(tasks|policies|arms|models|servos)\/([^\s:,;'"]+)/) { match in
    let kinds = [
      "tasks": "task", "policies": "policy", "arms": "arm profile", "models": "model", "servos": "servo profile",
    ]
    return "shipped \(kinds[String(match.1)] ?? "file") \(match.2)"
  }
}

/// A text on one line of bearable length: errors of libraries may have several lines, names may have thousands of letters.
func oneLine(_ text: String) -> String {
  let line = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
    .filter { !$0.isEmpty }.joined(separator: ", ")
  return line.count <= 1000 ? line : "\(line.prefix(500)) … \(line.suffix(400))"
}
