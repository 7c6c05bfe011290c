/// A text as a YAML scalar: as it is when it can be mistaken for nothing else, else in double quotes.
func quotedScalar(_ text: String) -> String {
  let plain =
    !text.isEmpty
    && text.unicodeScalars.allSatisfy {
      ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0)
        || "_-./".unicodeScalars.contains($0)
    }
  let startsWithLetter =
    text.unicodeScalars.first.map { ("a"..."z").contains($0) || ("A"..."Z").contains($0) } ?? false
  let reserved = ["null", "true", "false", "none"].contains(text.lowercased())
  if plain, !reserved, startsWithLetter || text.hasPrefix("/") || text.hasPrefix("./") { return text }
  var quoted = "\""
  for character in text.unicodeScalars {
    switch character {
    case "\"": quoted += "\\\""
    case "\\": quoted += "\\\\"
    default:
      if character.value < 0x20 || (0x7F...0x9F).contains(character.value) {
        let digits = String(character.value, radix: 16)
        quoted += "\\x" + (digits.count < 2 ? "0" : "") + digits
      } else {
        quoted.unicodeScalars.append(character)
      }
    }
  }
  return quoted + "\""
}
