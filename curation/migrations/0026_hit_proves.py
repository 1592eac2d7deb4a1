"""Say of each hit whether it alone is enough to set its query aside."""

from django.db import migrations, models
from django.db.models import Q

ALWAYS = Q(tier__in=["exact", "ngram_answer", "execution"]) | Q(tier="ngram_query", score=1)
# Of these the same share proves or not, by words and nodes that no row keeps; what became of the query tells.
BY_QUERY = Q(tier__in=["ngram_query", "identifiers"], query__contamination="set_aside")


def say(apps, schema_editor):
    hits = apps.get_model("curation", "ContaminationHit").objects
    hits.filter(ALWAYS | BY_QUERY).update(proves=True)


class Migration(migrations.Migration):
    dependencies = [("curation", "0025_kept_counts")]
    operations = [
        migrations.AddField(
            "contaminationhit",
            "proves",
            models.BooleanField(default=False, help_text="enough to set the query aside"),
        ),
        migrations.RunPython(say, migrations.RunPython.noop),
    ]
