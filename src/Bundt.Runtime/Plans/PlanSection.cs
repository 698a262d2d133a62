namespace Bundt.Runtime.Plans;

/// <summary>Who executes an operation (enum plan_section).</summary>
public enum PlanSection : byte
{
    /// <summary>The launcher itself, outside every namespace of the container.</summary>
    Supervisor = 0,
    /// <summary>A short-lived child that enters existing namespaces.</summary>
    Joiner = 1,
    /// <summary>The process that becomes the container's command.</summary>
    Init = 2,
}
