import Foundation
import McapConformance
import Testing
import TestSupport

/// The public conformance cases, all of them, in this process.
@Suite(.enabled(if: Fixtures.areAvailable))
struct ConformanceTests {
  struct Case {
    let json: URL
    let features: Set<String>
    let records: [NSDictionary]
    var mcap: URL { json.deletingPathExtension().appendingPathExtension("mcap") }

    init(_ json: URL) throws {
      self.json = json
      let root = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: json)) as? [String: Any])
      let variant = try #require((root["meta"] as? [String: Any])?["variant"] as? [String: Any])
      features = Set(try #require(variant["features"] as? [String]))
      records = try #require(root["records"] as? [NSDictionary])
    }

    func type(_ record: NSDictionary) -> String { record["type"] as? String ?? "" }

    func field(_ record: NSDictionary, _ name: String) -> String {
      let fields = record["fields"] as? [[Any]] ?? []
      return fields.first { $0.first as? String == name }?.last as? String ?? ""
    }
  }

  static func cases() throws -> [Case] {
    let folder = Fixtures.url("mcap-conformance/data")
    let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
    return try files.compactMap { $0 as? URL }.filter { $0.pathExtension == "json" }.map(Case.init)
  }

  private func object(_ text: String) throws -> NSDictionary {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary)
  }

  @Test("all 416 files read as a stream")
  func streamed() throws {
    var count = 0
    for one in try Self.cases() {
      let got = try object(McapConformance.readStreamed(path: one.mcap.path))
      #expect(got == ["records": one.records] as NSDictionary, "\(one.mcap.lastPathComponent)")
      count += 1
    }
    #expect(count == 416)
  }

  @Test("all 16 indexed files read by their summary")
  func indexed() throws {
    var count = 0
    for one in try Self.cases() {
      guard Set(["ch", "chx", "rch", "rsh", "mx"]).isSubset(of: one.features),
        one.records.contains(where: { one.type($0) == "Message" })
      else { continue }
      // The summary repeats schemas and channels; the first of each id counts.
      var expected: [String: [NSDictionary]] = ["schemas": [], "channels": [], "messages": [], "statistics": []]
      var seen: Set<String> = []
      for record in one.records {
        let type = one.type(record)
        switch type {
        case "Schema", "Channel":
          guard seen.insert(type + one.field(record, "id")).inserted else { continue }
          expected[type.lowercased() + "s"]?.append(record)
        case "Message": expected["messages"]?.append(record)
        case "Statistics": expected["statistics"]?.append(record)
        default: break
        }
      }
      let times = expected["messages"]?.enumerated().map { (Int(one.field($0.element, "log_time")) ?? -1, $0.offset) }
      expected["messages"] = times?.sorted { $0 < $1 }.compactMap { expected["messages"]?[$0.1] }
      let got = try object(McapConformance.readIndexed(path: one.mcap.path))
      #expect(got == expected as NSDictionary, "\(one.mcap.lastPathComponent)")
      count += 1
    }
    #expect(count == 16)
  }

  @Test("all 208 writable files come out byte for byte")
  func written() throws {
    var count = 0
    for one in try Self.cases() where !one.features.contains("pad") {
      let bytes = try McapConformance.write(jsonPath: one.json.path)
      #expect(Data(bytes) == (try Data(contentsOf: one.mcap)), "\(one.mcap.lastPathComponent)")
      count += 1
    }
    #expect(count == 208)
  }
}
