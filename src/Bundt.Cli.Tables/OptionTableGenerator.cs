using System.Collections.Immutable;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace Bundt.Cli.Tables;

/// <summary>
/// Writes a table of options and arguments for every class that carries <c>[Command]</c>, from the same <c>[Option]</c> and <c>[Value]</c>
/// attributes that CommandLineParser reads by reflection. The hot commands parse with the tables, because reflection costs them milliseconds.
/// </summary>
[Generator]
public sealed class OptionTableGenerator : IIncrementalGenerator
{
    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValuesProvider<CommandSource> commands = context.SyntaxProvider.ForAttributeWithMetadataName(
            "Bundt.Cli.CommandLine.CommandAttribute",
            static (node, _) => node is ClassDeclarationSyntax,
            static (match, _) => Describe((INamedTypeSymbol)match.TargetSymbol, match.Attributes[0]));
        context.RegisterSourceOutput(commands.Collect(), static (output, all) => output.AddSource("OptionTables.g.cs", SourceText.From(Write(all), Encoding.UTF8)));
    }

    private static CommandSource Describe(INamedTypeSymbol type, AttributeData command)
    {
        var specs = new StringBuilder();
        var positionals = new StringBuilder();
        var assignments = new StringBuilder();
        var arguments = new StringBuilder();
        int index = 0;
        foreach (IPropertySymbol property in Properties(type))
        {
            foreach (AttributeData attribute in property.GetAttributes())
            {
                if (attribute.AttributeClass?.ToDisplayString() == "CommandLine.OptionAttribute")
                {
                    string shortName = "'\\0'";
                    string longName = "";
                    foreach (TypedConstant argument in attribute.ConstructorArguments)
                    {
                        if (argument.Value is char letter)
                        {
                            shortName = SymbolDisplay.FormatLiteral(letter, true);
                        }
                        else if (argument.Value is string name)
                        {
                            longName = name;
                        }
                    }

                    (string kind, string conversion) = Kind(property, longName);
                    specs.Append("            new(").Append(shortName).Append(", ").Append(Literal(longName)).Append(", OptionKind.").Append(kind).Append(", ")
                        .Append(Literal(Named(attribute, "MetaValue"))).Append(", ").Append(Literal(Named(attribute, "HelpText"))).Append(", ")
                        .Append(Named(attribute, "Hidden") == "True" ? "true" : "false").Append("),\n");
                    assignments.Append("                case ").Append(index++).Append(": o.").Append(property.Name).Append(" = ").Append(conversion).Append("; break;\n");
                }
                else if (attribute.AttributeClass?.ToDisplayString() == "CommandLine.ValueAttribute")
                {
                    int position = (int)attribute.ConstructorArguments[0].Value!;
                    bool list = property.Type.SpecialType != SpecialType.System_String;
                    positionals.Append("            new(").Append(Literal(Named(attribute, "MetaName"))).Append(", ").Append(list ? "true" : "false").Append("),\n");
                    arguments.Append("            o.").Append(property.Name).Append(" = ")
                        .Append(list ? $"values.Count > {position} ? values.GetRange({position}, values.Count - {position}) : []" : $"values.Count > {position} ? values[{position}] : o.{property.Name}").Append(";\n");
                }
            }
        }

        string[] attributeArguments = [.. command.ConstructorArguments.Select(a => a.ToCSharpString())];
        string initializer = string.Join(", ", command.NamedArguments.Select(a => a.Key + " = " + a.Value.ToCSharpString()));
        string full = type.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat);
        string body = $$"""
                private static CommandTable? s_{{type.Name}};

                public static CommandTable {{type.Name}} => s_{{type.Name}} ??= new(
                    new CommandAttribute({{string.Join(", ", attributeArguments)}}) { {{initializer}} },
                    new OptionSpec[]
                    {
            {{specs}}        },
                    new ArgumentSpec[]
                    {
            {{positionals}}        },
                    static () => new {{full}}(),
                    Assign{{type.Name}},
                    Arguments{{type.Name}},
                    static tokens => LibraryParser.Parse<{{full}}>(tokens));

                private static void Assign{{type.Name}}(object options, int index, string value)
                {
                    var o = ({{full}})options;
                    switch (index)
                    {
            {{assignments}}            default: break;
                    }
                }

                private static void Arguments{{type.Name}}(object options, global::System.Collections.Generic.List<string> values)
                {
                    var o = ({{full}})options;
            {{arguments}}            _ = (o, values);
                }

            """;
        return new CommandSource(type.Name, body);
    }

    // Base classes first, so that a derived class only adds rows.
    private static IEnumerable<IPropertySymbol> Properties(INamedTypeSymbol type)
    {
        var chain = new Stack<INamedTypeSymbol>();
        for (INamedTypeSymbol? t = type; t is not null && t.SpecialType != SpecialType.System_Object; t = t.BaseType)
        {
            chain.Push(t);
        }

        return chain.SelectMany(t => t.GetMembers().OfType<IPropertySymbol>());
    }

    private static (string Kind, string Conversion) Kind(IPropertySymbol property, string longName) =>
        property.Type.ToDisplayString(NullableFlowState.None) switch
        {
            "bool" => ("Switch", "OptionValues.Truth(value)"),
            "bool?" => ("Toggle", "OptionValues.Truth(value)"),
            "string" => ("Text", "value"),
            "int?" => ("Number", $"OptionValues.Int({Literal(longName)}, value)"),
            "long?" => ("Number", $"OptionValues.Long({Literal(longName)}, value)"),
            _ => ("List", $"OptionValues.Append(o.{property.Name}, value)"),
        };

    private static string Named(AttributeData attribute, string name)
    {
        foreach (KeyValuePair<string, TypedConstant> pair in attribute.NamedArguments)
        {
            if (pair.Key == name)
            {
                return pair.Value.Value?.ToString() ?? "";
            }
        }

        return "";
    }

    private static string Literal(string text) => SymbolDisplay.FormatLiteral(text, true);

    private static string Write(ImmutableArray<CommandSource> commands)
    {
        var text = new StringBuilder();
        text.Append("""
            // <auto-generated/>
            #nullable enable
            namespace Bundt.Cli.CommandLine;

            /// <summary>The tables of all commands, made at build time by Bundt.Cli.Tables.</summary>
            internal static class OptionTables
            {

            """);
        foreach (CommandSource command in commands)
        {
            text.Append(command.Body).Append('\n');
        }

        text.Append("    /// <summary>Every table.</summary>\n    public static CommandTable[] All => new[] { ");
        text.Append(string.Join(", ", commands.Select(c => c.Name))).Append(" };\n}\n");
        return text.ToString();
    }

    private sealed class CommandSource(string name, string body) : IEquatable<CommandSource>
    {
        public string Name { get; } = name;

        public string Body { get; } = body;

        public bool Equals(CommandSource? other) => other is not null && Name == other.Name && Body == other.Body;

        public override bool Equals(object? obj) => Equals(obj as CommandSource);

        public override int GetHashCode() => Body.GetHashCode();
    }
}
