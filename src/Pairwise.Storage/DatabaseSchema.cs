namespace Pairwise.Storage;

/// <summary>One step of a schema's history. Its SQL never changes once released; a golden schema file holds it to that.</summary>
/// <param name="Name">Unique within its schema, for example <c>0001_initial</c>; applied in the order of the list.</param>
/// <param name="Sql">One or more statements, run in one transaction together with the record that they ran.</param>
public sealed record Migration(string Name, string Sql);

/// <summary>
/// The tables of one component. Several components may live in one file (agent and chat do, so that one passphrase,
/// one lock and one backup cover both); their table names must not collide.
/// </summary>
/// <param name="Component">Short stable name, for example <c>agent</c>.</param>
/// <param name="Migrations">All migrations ever released, oldest first.</param>
public sealed record DatabaseSchema(string Component, IReadOnlyList<Migration> Migrations);
