import Configuration
import Testing

func node(_ text: String) throws -> ConfigurationNode { try ConfigurationNode.parse(text: text, file: "f.yaml") }

/// The error text of what `body` throws; "" when it throws nothing.
func errorText(_ body: () throws -> Void) -> String {
  do {
    try body()
    return ""
  } catch {
    return (error as? ConfigurationError)?.description ?? "another type of error: \(error)"
  }
}

@Suite struct TypedReadingTests {
  enum Colour: String, CaseIterable { case red, green, blue }

  @Test func valuesReadBackWithTheirTypesAndPositions() throws {
    let root = try node(
      """
      name: reach   # a comment
      gain: -1.5e-2
      count: 12
      on: true
      list: [1, 2.5, .5]
      words:
        - a
        - "b c"
      colour: green
      nested: {deep: {er: 3}}
      nothing:
      """)
    #expect(try root.child("name").string() == "reach")
    #expect(try root.child("gain").double() == -0.015)
    #expect(try root.child("count").integer() == 12)
    #expect(try root.child("count").double() == 12)
    #expect(try root.child("on").boolean())
    #expect(try root.child("list").doubles() == [1, 2.5, 0.5])
    #expect(try root.child("words").strings() == ["a", "b c"])
    #expect(try root.child("colour").choice(Colour.self) == .green)
    let deep = try root.child("nested").child("deep").child("er")
    #expect(deep.keyPath == "nested.deep.er")
    #expect(deep.line == 10 && deep.column == 21)
    #expect(try root.child("nothing").isNull)
    #expect(try root.optional("absent") == nil)
    #expect(try root.entries().map { $0.key }.first == "name")
    #expect(root.kind == .mapping)
    #expect(try root.child("words").list()[1].keyPath == "words[1]")
  }

  @Test func jsonIsReadAsYAML() throws {
    let root = try node(#"{"a": [1, 2, {"b": "text \u00e9"}], "c": false, "d": null}"#)
    #expect(try root.child("a").list()[2].child("b").string() == "text é")
    #expect(try root.child("c").boolean() == false)
    #expect(try root.child("d").isNull)
    let tight = try node("{\n\t\"a\":1,\"b\":[1,-2e3],\n\t\t\"c\":{\"d\":\"x\\/y\"}}")
    #expect(try tight.child("a").integer() == 1 && tight.child("b").doubles() == [1, -2000])
    #expect(try tight.child("c").child("d").string() == "x/y")
  }

  @Test func shortAndEmptyDocuments() throws {
    #expect(try node("5").double() == 5)
    #expect(try node("a: b").child("a").string() == "b")
    #expect(
      errorText { _ = try ConfigurationNode.parse(text: "", file: "f.yaml") }
        == "f.yaml: is empty; it must hold a YAML document")
    #expect(
      errorText { _ = try ConfigurationNode.parse(text: "# only a comment\n", file: "f.yaml") }
        == "f.yaml: is empty; it must hold a YAML document")
  }

  @Test func unknownTagsAreData() throws {
    let root = try node("a: !!python/object/apply:builtins.slice [0, 3, null]\nb: !secret 5\nc: !!str 5\n")
    #expect(try root.child("a").tag == "tag:yaml.org,2002:python/object/apply:builtins.slice")
    #expect(try root.child("a").list()[1].integer() == 3)
    #expect(try root.child("b").tag == "!secret")
    #expect(try root.child("b").integer() == 5)
    #expect(try root.child("c").string() == "5")
    #expect(throws: ConfigurationError.self) { try root.child("c").integer() }
  }

  @Test(arguments: [
    ("v: abc", "f.yaml:1:4: v: expected a number, found 'abc'"),
    ("v: '1'", "f.yaml:1:4: v: expected a number, found the quoted text '1'; remove the quotes"),
    ("v: .nan", "f.yaml:1:4: v: expected a finite number, found '.nan'"),
    ("v: -.inf", "f.yaml:1:4: v: expected a finite number, found '-.inf'"),
    ("v: NaN", "f.yaml:1:4: v: expected a finite number, found 'NaN'"),
    ("v: 1e999", "f.yaml:1:4: v: expected a number below 1.8e308, found the number 1e999"),
    ("v: 0x10", "f.yaml:1:4: v: expected a number, found '0x10'"),
    ("v:", "f.yaml:1:3: v: expected a number, found nothing"),
    ("v: [1]", "f.yaml:1:4: v: expected a number, found a list of 1"),
    ("v: {a: 1}", "f.yaml:1:4: v: expected a number, found a mapping with 'a'…"),
    ("v: 7", "f.yaml:1:4: v: 7.0 is outside 0.0 … 5.0"),
    ("w: 7", "f.yaml:1:1: the key 'v' is missing"),
    ("[]", "f.yaml:1:1: expected a mapping (key: value), found a list of 0"),
  ])
  func numbersThatAreNone(text: String, message: String) {
    #expect(
      errorText { _ = try ConfigurationNode.parse(text: text, file: "f.yaml").child("v").double(in: 0...5) } == message)
  }

  @Test func otherTypesSayWhatTheyFound() throws {
    let root = try node("i: 1.5\nb: yes\nl: [1, x]\nl3: [1, 2]\nc: gren\nc2: [1]\ns: [1]\nbig: 99999999999999999999\n")
    #expect(
      errorText { _ = try root.child("i").integer() } == "f.yaml:1:4: i: expected a whole number, found the number 1.5")
    #expect(
      errorText { _ = try root.child("b").boolean() }
        == "f.yaml:2:4: b: expected true or false, found 'yes'; write true")
    #expect(errorText { _ = try root.child("l").doubles() } == "f.yaml:3:8: l[1]: expected a number, found 'x'")
    #expect(
      errorText { _ = try root.child("l3").doubles(count: 3) }
        == "f.yaml:4:5: l3: expected a list of 3 numbers, found a list of 2")
    #expect(
      errorText { _ = try root.child("c").choice(Colour.self) }
        == "f.yaml:5:4: c: unknown value 'gren'; did you mean 'green'?")
    #expect(
      errorText { _ = try root.child("i").choice(Colour.self) }
        == "f.yaml:1:4: i: unknown value '1.5'; one of red, green, blue")
    #expect(
      errorText { _ = try root.child("c2").choice(Colour.self) }
        == "f.yaml:6:5: c2: expected one of red, green, blue, found a list of 1")
    #expect(errorText { _ = try root.child("s").string() } == "f.yaml:7:4: s: expected a text, found a list of 1")
    #expect(
      errorText { _ = try root.child("big").integer() }.hasSuffix(
        "expected a whole number of at most 63 bits, found the number 99999999999999999999"))
    #expect(
      errorText { _ = try root.child("i").strings() } == "f.yaml:1:4: i: expected a list of texts, found the number 1.5"
    )
  }

  @Test func unknownKeysAreRefusedWithTheNearestName() throws {
    let root = try node("control:\n  rate_hz: 5\n  rat_hz: 6\n")
    let control = try root.child("control")
    #expect(
      errorText { try control.allowOnly(["rate_hz", "seed"]) }
        == "f.yaml:3:3: control: unknown key 'rat_hz'; did you mean 'rate_hz'?")
    #expect(errorText { try control.allowOnly(["rate_hz", "rat_hz"]) } == "")
    #expect(
      errorText { _ = try root.child("contrl") }
        == "f.yaml:1:1: the key 'contrl' is missing; is 'control' meant to be it?")
    #expect(errorText { try root.allowOnly(["x", "y"]) } == "f.yaml:1:1: unknown key 'control'; known: x, y")
  }

  @Test func errorsStayOnOneLine() throws {
    let root = try node("v: \"a\\nb\\u2028c\"\n")
    let text = errorText { _ = try root.child("v").double() }
    #expect(text == "f.yaml:1:4: v: expected a number, found the quoted text 'a\\nb\\u{2028}c'")
    let error = ConfigurationError(file: "x", line: 3, message: "m", suggestion: "s")
    #expect(error.description == "x:3: m; s")
  }
}

@Suite struct SuggestionTests {
  @Test func nearNamesAreFoundAndFarOnesAreNot() {
    let names = ["shoulder_pan", "shoulder_lift", "elbow_flex", "gripper"]
    #expect(Suggestion.nearest(to: "sholder_pan", in: names) == "shoulder_pan")
    #expect(Suggestion.nearest(to: "Gripper", in: names) == "gripper")
    #expect(Suggestion.nearest(to: "elbow", in: names) == nil)
    #expect(Suggestion.nearest(to: "rgipper", in: names) == "gripper")
    #expect(Suggestion.nearest(to: "", in: names) == nil)
    #expect(Suggestion.nearest(to: "x", in: []) == nil)
    #expect(Suggestion.nearest(to: String(repeating: "a", count: 100_000), in: names) == nil)
    #expect(Suggestion.sentence(for: "zzz", in: ["a1", "b2"]) == "known: a1, b2")
  }
}
