"""Addresses of dialogues: the list, one dialogue, exports, and the review desk."""

from django.urls import URLPattern, path

from dialogues.views import building, dialogues, editing, exports, funnel, review, uploads, withdrawals

app_name = "dialogues"
urlpatterns: list[URLPattern] = [
    path("dialogues/", dialogues.list_dialogues, name="dialogues"),
    path("dialogues/<int:pk>/", dialogues.show_dialogue, name="detail"),
    path("dialogues/build/", building.ask_for_building, name="build"),
    path("funnel/", funnel.show_funnel, name="funnel"),
    path("exports/", exports.list_exports, name="exports"),
    path("exports/start/", exports.start_export, name="start_export"),
    path("exports/<int:pk>/file/", exports.download, name="download"),
    # files from the browser, and what is taken out again
    path("imports/new/", uploads.upload_file, name="upload_file"),
    path("uploads/<int:pk>/", uploads.show_upload, name="upload"),
    path("uploads/<int:pk>/discard/", uploads.discard_upload, name="discard_upload"),
    path("imports/<int:pk>/go-on/", uploads.go_on, name="go_on"),
    path("imports/<int:pk>/withdraw/", withdrawals.withdraw_batch, name="withdraw_batch"),
    path("sources/<int:pk>/withdraw/", withdrawals.withdraw_source, name="withdraw_source"),
    path("withdrawals/<int:pk>/", withdrawals.show_withdrawal, name="withdrawal"),
    path("withdrawals/<int:pk>/go-on/", withdrawals.go_on, name="withdrawal_go_on"),
    # the review desk
    path("review/", review.review_queue, name="review"),
    path("review/<int:pk>/", review.review_item, name="review_item"),
    path("review/<int:pk>/skip/", review.review_skip, name="review_skip"),
    path("review/<int:pk>/reopen/", review.review_reopen, name="review_reopen"),
    path("review/<int:pk>/back/", review.review_back, name="review_back"),
    path("turns/<int:pk>/", editing.show_turn, name="turn"),
    path("turns/<int:pk>/edit/", editing.edit_turn, name="edit_turn"),
]
