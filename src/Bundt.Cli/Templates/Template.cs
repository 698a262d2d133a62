using System.Globalization;
using System.Text;

namespace Bundt.Cli.Templates;

/// <summary>
/// The part of Go's text/template that people type after <c>--format</c>: fields, pipes, if, with, range, variables, and docker's functions.
/// </summary>
internal sealed class Template
{
    private readonly List<Node> _nodes;

    private Template(List<Node> nodes) => _nodes = nodes;

    /// <summary>Reads a template.</summary>
    /// <exception cref="TemplateException">It is malformed.</exception>
    public static Template Parse(string text) => new(new Reader(text).ReadAll());

    /// <summary>Applies it to a <see cref="Output.Row"/> or a JsonElement.</summary>
    /// <exception cref="TemplateException">It does not fit the data.</exception>
    public string Execute(object? data)
    {
        var output = new StringBuilder();
        var scope = new Scope(null, data);
        foreach (Node node in _nodes)
        {
            node.Write(scope, output);
        }

        return output.ToString();
    }

    // Recursive descent: text and actions, blocks up to their end, then pipelines within an action.
    private sealed class Reader(string text)
    {
        private int _position;
        private bool _trimNext;
        private List<TemplateToken> _tokens = [];
        private int _at;

        public List<Node> ReadAll()
        {
            List<Node> nodes = ReadBlock(out string end);
            return end.Length == 0 ? nodes : throw new TemplateException($"unexpected {{{{{end}}}}}");
        }

        // Reads to {{end}}, {{else …}} or the end of the text, which is told by the word.
        private List<Node> ReadBlock(out string end)
        {
            List<Node> nodes = [];
            while (true)
            {
                int open = text.IndexOf("{{", _position, StringComparison.Ordinal);
                string between = open < 0 ? text[_position..] : text[_position..open];
                if (_trimNext)
                {
                    between = between.TrimStart();
                    _trimNext = false;
                }

                if (open < 0)
                {
                    AddText(nodes, between);
                    _position = text.Length;
                    end = "";
                    return nodes;
                }

                int inside = open + 2;
                if (inside + 1 < text.Length && text[inside] == '-' && char.IsWhiteSpace(text[inside + 1]))
                {
                    between = between.TrimEnd();
                    inside++;
                }

                AddText(nodes, between);
                int close = FindClose(inside);
                string action = text[inside..close];
                _position = close + 2;
                if (action.EndsWith('-') && action.Length > 1 && char.IsWhiteSpace(action[^2]))
                {
                    action = action[..^1];
                    _trimNext = true;
                }

                action = action.Trim();
                if (action.StartsWith("/*", StringComparison.Ordinal))
                {
                    continue;
                }

                _tokens = TemplateLexer.Read(action);
                _at = 0;
                switch (_tokens[0])
                {
                    case { Kind: TokenKind.End }:
                        throw new TemplateException("missing value for command");
                    case { Kind: TokenKind.Word, Text: "end" or "else" } word:
                        end = word.Text;
                        _at = 1;
                        return nodes;
                    case { Kind: TokenKind.Word, Text: "if" or "with" } word:
                        nodes.Add(ReadIf(word.Text));
                        break;
                    case { Kind: TokenKind.Word, Text: "range" }:
                        nodes.Add(ReadRange());
                        break;
                    default:
                        nodes.Add(ReadAction());
                        break;
                }
            }
        }

        private static void AddText(List<Node> nodes, string between)
        {
            if (between.Length > 0)
            {
                nodes.Add(new TextNode(between));
            }
        }

        // A "}}" within quotes does not close.
        private int FindClose(int from)
        {
            char quote = '\0';
            for (int i = from; i + 1 < text.Length; i++)
            {
                char c = text[i];
                if (quote != '\0')
                {
                    if (c == '\\' && quote != '`')
                    {
                        i++;
                    }
                    else if (c == quote)
                    {
                        quote = '\0';
                    }
                }
                else if (c is '"' or '`')
                {
                    quote = c;
                }
                else if (c == '}' && text[i + 1] == '}')
                {
                    return i;
                }
            }

            throw new TemplateException("unclosed action");
        }

        private IfNode ReadIf(string word)
        {
            _at = 1;
            string? variable = ReadDeclaration(out _);
            Expression condition = ReadPipeline();
            ExpectEnd();
            List<Node> then = ReadBlock(out string end);
            List<Node> otherwise = [];
            if (end == "else")
            {
                if (Peek() is { Kind: TokenKind.Word, Text: "if" or "with" } next)
                {
                    _tokens = _tokens[1..];
                    otherwise = [ReadIf(next.Text)];
                    return new IfNode(condition, variable, word == "with", then, otherwise);
                }

                otherwise = ReadBlock(out end);
            }

            return end == "end" ? new IfNode(condition, variable, word == "with", then, otherwise) : throw new TemplateException("unexpected EOF");
        }

        private RangeNode ReadRange()
        {
            _at = 1;
            string? first = null;
            string? second = null;
            if (Peek().Kind == TokenKind.Variable && _tokens[_at + 1] is { Kind: TokenKind.Symbol, Text: "," or ":=" } symbol)
            {
                first = _tokens[_at].Text;
                _at += 2;
                if (symbol.Text == ",")
                {
                    second = Next().Text;
                    if (Next() is not { Kind: TokenKind.Symbol, Text: ":=" })
                    {
                        throw new TemplateException("range can only initialize variables");
                    }
                }
            }

            Expression list = ReadPipeline();
            ExpectEnd();
            List<Node> body = ReadBlock(out string end);
            List<Node> otherwise = end == "else" ? ReadBlock(out end) : [];
            return end == "end"
                ? second is null ? new RangeNode(list, null, first, body, otherwise) : new RangeNode(list, first, second, body, otherwise)
                : throw new TemplateException("unexpected EOF");
        }

        private ActionNode ReadAction()
        {
            string? variable = ReadDeclaration(out bool declares);
            Expression value = ReadPipeline();
            ExpectEnd();
            return new ActionNode(value, variable, declares);
        }

        private string? ReadDeclaration(out bool declares)
        {
            declares = false;
            if (Peek().Kind == TokenKind.Variable && _tokens[_at + 1] is { Kind: TokenKind.Symbol, Text: ":=" or "=" } symbol)
            {
                declares = symbol.Text == ":=";
                string name = Next().Text;
                _at++;
                return name;
            }

            return null;
        }

        private Expression ReadPipeline()
        {
            Expression value = ReadCommand(null);
            while (Peek() is { Kind: TokenKind.Symbol, Text: "|" })
            {
                _at++;
                value = ReadCommand(value);
            }

            return value;
        }

        // A command: an operand alone, or a function or method with operands; what is piped in comes last.
        private Expression ReadCommand(Expression? piped)
        {
            TemplateToken first = Peek();
            if (first.Kind == TokenKind.Word && first.Text is not ("true" or "false" or "nil"))
            {
                _at++;
                if (!Functions.Names.Contains(first.Text))
                {
                    throw new TemplateException($"function \"{first.Text}\" not defined");
                }

                return new Call(first.Text, ReadArguments(piped));
            }

            Expression operand = ReadOperand();
            List<Expression> arguments = ReadArguments(piped);
            return arguments.Count == 0 ? operand
                : operand is Field field ? field with { Arguments = arguments }
                : throw new TemplateException("can't give argument to non-function");
        }

        private List<Expression> ReadArguments(Expression? piped)
        {
            List<Expression> arguments = [];
            while (Peek() is not ({ Kind: TokenKind.End } or { Kind: TokenKind.Symbol, Text: "|" or ")" }))
            {
                arguments.Add(ReadOperand());
            }

            if (piped is not null)
            {
                arguments.Add(piped);
            }

            return arguments;
        }

        private Expression ReadOperand()
        {
            TemplateToken token = Next();
            Expression operand = token switch
            {
                { Kind: TokenKind.Text } => new Literal(token.Text),
                { Kind: TokenKind.Number } => new Literal(Number(token.Text)),
                { Kind: TokenKind.Word, Text: "true" } => new Literal(true),
                { Kind: TokenKind.Word, Text: "false" } => new Literal(false),
                { Kind: TokenKind.Word, Text: "nil" } => new Literal(null),
                { Kind: TokenKind.Word } => Functions.Names.Contains(token.Text) ? new Call(token.Text, []) : throw new TemplateException($"function \"{token.Text}\" not defined"),
                { Kind: TokenKind.Variable } => new Variable(token.Text),
                { Kind: TokenKind.Field, Text: "" } => new Dot(),
                { Kind: TokenKind.Field } => new Field(new Dot(), token.Text, []),
                { Kind: TokenKind.Symbol, Text: "(" } => ReadParenthesized(),
                _ => throw new TemplateException($"unexpected \"{token.Text}\" in operand"),
            };
            while (Peek() is { Kind: TokenKind.Field, Spaced: false, Text.Length: > 0 } next)
            {
                _at++;
                operand = new Field(operand, next.Text, []);
            }

            return operand;
        }

        private Expression ReadParenthesized()
        {
            Expression inner = ReadPipeline();
            return Next() is { Kind: TokenKind.Symbol, Text: ")" } ? inner : throw new TemplateException("unclosed left paren");
        }

        private void ExpectEnd()
        {
            if (Peek() is { Kind: not TokenKind.End } token)
            {
                throw new TemplateException($"unexpected \"{token.Text}\" in command");
            }
        }

        private static object Number(string number) =>
            long.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole) ? (object)whole
            : double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double real) ? real
            : throw new TemplateException($"bad number syntax: \"{number}\"");

        private TemplateToken Peek() => _tokens[Math.Min(_at, _tokens.Count - 1)];

        private TemplateToken Next() => _tokens[Math.Min(_at++, _tokens.Count - 1)];
    }
}
