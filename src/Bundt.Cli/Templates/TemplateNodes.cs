using System.Text;

namespace Bundt.Cli.Templates;

/// <summary>A part of a template that writes something.</summary>
internal abstract record Node
{
    /// <summary>Writes it.</summary>
    public abstract void Write(Scope scope, StringBuilder output);

    /// <summary>Writes several.</summary>
    protected static void WriteAll(List<Node> nodes, Scope scope, StringBuilder output)
    {
        foreach (Node node in nodes)
        {
            node.Write(scope, output);
        }
    }
}

/// <summary>Text between actions.</summary>
internal sealed record TextNode(string Text) : Node
{
    /// <inheritdoc/>
    public override void Write(Scope scope, StringBuilder output) => output.Append(Text);
}

/// <summary>A pipeline whose value is printed, or kept under a name.</summary>
internal sealed record ActionNode(Expression Value, string? Variable, bool Declares) : Node
{
    /// <inheritdoc/>
    public override void Write(Scope scope, StringBuilder output)
    {
        object? value = Value.Evaluate(scope);
        if (Variable is null)
        {
            _ = output.Append(TemplateValues.ToText(value));
        }
        else if (Declares)
        {
            scope.Declare(Variable, value);
        }
        else
        {
            scope.Assign(Variable, value);
        }
    }
}

/// <summary>if and with.</summary>
internal sealed record IfNode(Expression Condition, string? Variable, bool ChangesDot, List<Node> Then, List<Node> Else) : Node
{
    /// <inheritdoc/>
    public override void Write(Scope scope, StringBuilder output)
    {
        object? value = Condition.Evaluate(scope);
        bool truth = TemplateValues.IsTrue(value);
        var inner = new Scope(scope, truth && ChangesDot ? value : scope.Dot);
        if (Variable is not null)
        {
            inner.Declare(Variable, value);
        }

        WriteAll(truth ? Then : Else, inner, output);
    }
}

/// <summary>range, over lists, maps and numbers.</summary>
internal sealed record RangeNode(Expression List, string? KeyVariable, string? ValueVariable, List<Node> Body, List<Node> Else) : Node
{
    /// <inheritdoc/>
    public override void Write(Scope scope, StringBuilder output)
    {
        bool any = false;
        foreach ((object? key, object? value) in TemplateValues.Enumerate(List.Evaluate(scope)))
        {
            any = true;
            var inner = new Scope(scope, value);
            if (KeyVariable is not null)
            {
                inner.Declare(KeyVariable, key);
            }

            if (ValueVariable is not null)
            {
                inner.Declare(ValueVariable, value);
            }

            WriteAll(Body, inner, output);
        }

        if (!any)
        {
            WriteAll(Else, scope, output);
        }
    }
}
