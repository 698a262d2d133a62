using System.Globalization;
using System.Text;

namespace Bundt.Cli.Templates;

/// <summary>Splits the inside of one <c>{{ }}</c> into tokens (Go's text/template).</summary>
internal static class TemplateLexer
{
    /// <summary>Tokens of an action, with an End behind the last.</summary>
    /// <exception cref="TemplateException">A text is not closed, or a character has no place here.</exception>
    public static List<TemplateToken> Read(string action)
    {
        List<TemplateToken> tokens = [];
        int i = 0;
        while (true)
        {
            bool spaced = false;
            while (i < action.Length && char.IsWhiteSpace(action[i]))
            {
                i++;
                spaced = true;
            }

            if (i == action.Length)
            {
                tokens.Add(new TemplateToken(TokenKind.End, "", spaced));
                return tokens;
            }

            int start = i;
            char c = action[i];
            if (c is '"' or '`' or '\'')
            {
                tokens.Add(new TemplateToken(TokenKind.Text, Quoted(action, ref i), spaced));
            }
            else if (c is '.' or '$')
            {
                i++;
                Word(action, ref i);
                tokens.Add(new TemplateToken(c == '.' ? TokenKind.Field : TokenKind.Variable, action[(start + 1)..i], spaced));
            }
            else if (char.IsAsciiDigit(c) || (c is '-' or '+' && i + 1 < action.Length && char.IsAsciiDigit(action[i + 1])))
            {
                i++;
                while (i < action.Length && (char.IsAsciiLetterOrDigit(action[i]) || action[i] == '.'))
                {
                    i++;
                }

                tokens.Add(new TemplateToken(TokenKind.Number, action[start..i], spaced));
            }
            else if (char.IsLetter(c) || c == '_')
            {
                Word(action, ref i);
                tokens.Add(new TemplateToken(TokenKind.Word, action[start..i], spaced));
            }
            else if (c is '|' or '(' or ')' or ',' or '=')
            {
                i++;
                tokens.Add(new TemplateToken(TokenKind.Symbol, c.ToString(), spaced));
            }
            else if (c == ':' && i + 1 < action.Length && action[i + 1] == '=')
            {
                i += 2;
                tokens.Add(new TemplateToken(TokenKind.Symbol, ":=", spaced));
            }
            else
            {
                throw new TemplateException($"unexpected {(c is '{' or '}' ? "\"" + c + "\"" : "'" + c + "'")} in command");
            }
        }
    }

    private static void Word(string action, ref int i)
    {
        while (i < action.Length && (char.IsLetterOrDigit(action[i]) || action[i] == '_'))
        {
            i++;
        }
    }

    private static string Quoted(string action, ref int i)
    {
        char quote = action[i++];
        var text = new StringBuilder();
        while (i < action.Length && action[i] != quote)
        {
            char c = action[i++];
            if (c == '\\' && quote != '`')
            {
                if (i == action.Length)
                {
                    break;
                }

                c = action[i++] switch
                {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'u' when i + 4 <= action.Length && ushort.TryParse(action.AsSpan(i, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code) => Skip(ref i, (char)code),
                    char other => other,
                };
            }

            _ = text.Append(c);
        }

        if (i == action.Length)
        {
            throw new TemplateException("unterminated quoted string");
        }

        i++;
        return text.ToString();
    }

    private static char Skip(ref int i, char c)
    {
        i += 4;
        return c;
    }
}
