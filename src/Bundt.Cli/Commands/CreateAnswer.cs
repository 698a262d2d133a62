using System.Text.Json;

namespace Bundt.Cli.Commands;

/// <summary>What create and run answer: <c>{"Id":…,"Warnings":[…]}</c>.</summary>
internal sealed record CreateAnswer(string Id, IReadOnlyList<string> Warnings)
{
    /// <summary>Reads it.</summary>
    public static CreateAnswer Read(ReadOnlySpan<byte> body)
    {
        string id = "";
        List<string> warnings = [];
        string? member = null;
        var reader = new Utf8JsonReader(body);
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName)
            {
                member = reader.GetString();
            }
            else if (reader.TokenType == JsonTokenType.String && member == "Id")
            {
                id = reader.GetString()!;
            }
            else if (reader.TokenType == JsonTokenType.String && member == "Warnings")
            {
                warnings.Add(reader.GetString()!);
            }
        }

        return new CreateAnswer(id, warnings);
    }
}
